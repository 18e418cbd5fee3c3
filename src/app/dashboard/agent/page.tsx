import { Flights } from "#ui/flights.tsx";
import { Usage } from "#ui/header.tsx";

import { signedIn } from "./signed-in.ts";

export default async function AgentPage() {
  await signedIn();
  return (
    <>
      <Usage />
      <section aria-labelledby="at-work" className="rounded-lg border border-line bg-panel">
        <h2 id="at-work" className="border-line border-b px-4 py-2 font-semibold">
          At work
        </h2>
        <Flights />
      </section>
    </>
  );
}
