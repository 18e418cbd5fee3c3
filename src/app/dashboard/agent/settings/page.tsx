import type { Metadata } from "next";
import { Autonomy } from "#ui/autonomy.tsx";
import { FreshPage } from "#ui/fresh-page.tsx";
import { SettingsRules } from "#ui/settings-rules.tsx";
import { SettingsSection } from "#ui/settings-section.tsx";
import { signedIn } from "../signed-in.ts";
import { fieldsOf, groups } from "./fields.ts";
import { shownRules } from "./rule-fields.ts";

export const metadata: Metadata = { title: "Settings" };

export default async function SettingsPage() {
  const { agent, session } = await signedIn();
  const { settings } = await agent.project();
  const shown = Object.keys(groups) as (keyof typeof groups)[];
  return (
    <>
      <FreshPage />
      <h1 className="font-semibold text-lg">Settings</h1>
      <p className="text-muted">
        They hold from the next step on; every change stands in the audit log.
        {session.role === "viewer" && " A viewer may look, and change nothing."}
      </p>
      <nav aria-label="Groups of settings">
        <ul className="flex flex-wrap gap-x-4 gap-y-1">
          {[...shown.map((group) => ({ group, title: groups[group].title })), { group: "rules", title: "Rules" }].map(
            ({ group, title }) => (
              <li key={group}>
                <a
                  href={`#settings-${group}`}
                  className="inline-flex min-h-8 items-center underline underline-offset-4"
                >
                  {title}
                </a>
              </li>
            ),
          )}
        </ul>
      </nav>
      <Autonomy />
      {shown.map((group) => {
        const { title, about } = groups[group];
        return (
          <SettingsSection key={group} group={group} title={title} about={about} fields={fieldsOf(group, settings)} />
        );
      })}
      <SettingsRules rules={shownRules(settings.detection.rules)} />
    </>
  );
}
