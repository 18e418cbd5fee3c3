"use client";

import { useRouter } from "next/navigation";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { Button } from "./button.tsx";

/** Both are fetched with the first key or the first look: most visits need neither. */
const loadKeys = () => import("./shortcut-keys.ts");
const ShortcutSheet = lazy(async () => ({ default: (await import("./shortcut-sheet.tsx")).ShortcutSheet }));

/** Whether single keys do something; kept for this browser, because whoever dictates needs them off (WCAG 2.1.4). */
const storedAs = "vigil-shortcuts";

/**
 * The keyboard's short ways, and the button that lists them. A listener of our own: a library for key sequences would have to be
 * loaded before the first key, and weigh more than what is behind it.
 */
export function Shortcuts() {
  const [isOpen, setOpen] = useState(false);
  const [isListening, setListening] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const router = useRouter();
  useEffect(() => {
    const go = (href: string) => router.push(href);
    const hear = (event: KeyboardEvent) => {
      if (!isMeant(event) || localStorage.getItem(storedAs) === "off") return;
      // Firefox would begin a search of its own.
      if (event.key === "/") event.preventDefault();
      const { key } = event;
      void loadKeys().then(({ press }) => press(key, { go, help: () => setOpen(true) }));
    };
    document.addEventListener("keydown", hear);
    setListening(true);
    return () => document.removeEventListener("keydown", hear);
  }, [router]);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <>
      <Button
        ref={button}
        look="quiet"
        aria-haspopup="dialog"
        aria-keyshortcuts={isListening ? "?" : undefined}
        aria-label="Keyboard shortcuts"
        title="Keyboard shortcuts (?)"
        onClick={() => setOpen(true)}
      >
        ?
      </Button>
      {isOpen && (
        <Suspense>
          <ShortcutSheet storedAs={storedAs} close={close} />
        </Suspense>
      )}
    </>
  );
}

/** A single key, typed into nothing, and no question is open. */
function isMeant({ key, target, defaultPrevented, isComposing, ctrlKey, metaKey, altKey, repeat }: KeyboardEvent) {
  if (key.length !== 1 || defaultPrevented || isComposing || ctrlKey || metaKey || altKey) return false;
  if (repeat && key !== "j" && key !== "k") return false;
  const isTyped =
    target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable]") !== null;
  return !isTyped && document.querySelector('[role="alertdialog"], [role="menu"], [data-sheet]') === null;
}
