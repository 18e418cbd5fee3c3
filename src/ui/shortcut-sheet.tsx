"use client";

import { Dialog } from "@base-ui/react/dialog";
import { Switch } from "@base-ui/react/switch";
import { useState } from "react";
import { buttonClass } from "./button.tsx";
import { pagesByKey } from "./shortcut-keys.ts";

const groups = [
  { title: "Go to", keys: Object.entries(pagesByKey).map(([key, { name }]) => ({ keys: ["g", key], does: name })) },
  {
    title: "In a list",
    keys: [
      { keys: ["j"], does: "Next item" },
      { keys: ["k"], does: "Item before" },
      { keys: ["o"], does: "Open it (Enter does the same)" },
      { keys: ["/"], does: "Search" },
    ],
  },
  {
    title: "Everywhere",
    keys: [
      { keys: ["p"], does: "Pause or resume the agent; asks first" },
      { keys: ["?"], does: "This list" },
      { keys: ["Esc"], does: "Close what is open" },
      { keys: ["F6"], does: "To the messages in the corner" },
    ],
  },
];

/** Everything that single keys do, and the switch that turns them off; `storedAs` names where this browser keeps it. */
export function ShortcutSheet({ storedAs, close }: { storedAs: string; close(): void }) {
  return (
    <Dialog.Root open onOpenChange={close}>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-40 bg-black/50" />
        <Dialog.Popup
          data-sheet
          className="fixed inset-x-0 bottom-0 z-50 mx-auto max-h-dvh w-full max-w-lg overflow-y-auto rounded-t-xl border border-line bg-panel p-5 sm:inset-y-0 sm:my-auto sm:h-fit sm:rounded-xl"
        >
          <div className="flex items-center justify-between">
            <Dialog.Title className="font-semibold text-base">Keyboard shortcuts</Dialog.Title>
            <Dialog.Close className={buttonClass("plain")}>Close</Dialog.Close>
          </div>
          <Dialog.Description className="mt-1 text-muted">
            They do nothing while you type. Everything is there without them as well.
          </Dialog.Description>
          <OnOff storedAs={storedAs} />
          {groups.map(({ title, keys }) => (
            <section key={title} className="mt-4">
              <h3 className="font-medium">{title}</h3>
              <dl className="mt-1 grid grid-cols-[5rem_1fr] gap-y-1">
                {keys.map(({ keys: pressed, does }) => (
                  <div key={does} className="contents">
                    <dt className="flex items-center gap-1">
                      {pressed.map((key) => (
                        <kbd key={key} className="rounded border border-line bg-raised px-1.5 font-mono text-xs">
                          {key}
                        </kbd>
                      ))}
                    </dt>
                    <dd>{does}</dd>
                  </div>
                ))}
              </dl>
            </section>
          ))}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function OnOff({ storedAs }: { storedAs: string }) {
  const [isOn, setOn] = useState(() => localStorage.getItem(storedAs) !== "off");
  const change = (on: boolean) => {
    setOn(on);
    localStorage.setItem(storedAs, on ? "on" : "off");
  };
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the switch brings its own field
    <label className="mt-4 flex min-h-10 items-center justify-between gap-4 rounded-md bg-raised px-3 py-2">
      <span>
        <span className="font-medium">Single keys do something</span>{" "}
        <span className="text-muted">{isOn ? "On" : "Off"} in this browser</span>
      </span>
      <Switch.Root
        checked={isOn}
        onCheckedChange={change}
        className="flex h-6 w-11 shrink-0 cursor-pointer items-center rounded-full border border-muted bg-panel p-0.5 data-checked:justify-end data-checked:border-accent data-checked:bg-accent"
      >
        <Switch.Thumb className="size-4.5 rounded-full bg-muted data-checked:bg-on-accent" />
      </Switch.Root>
    </label>
  );
}
