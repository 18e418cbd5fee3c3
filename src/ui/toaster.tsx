"use client";

import { Toast } from "@base-ui/react/toast";
import Link from "next/link";
import { useEffect, useRef } from "react";
import { buttonClass } from "./button.tsx";
import type { Message } from "./toasts.tsx";

/** Long enough to read and to reach; it stops while a pointer or the keyboard is on it. Bad news stays until it is put away. */
const shownMs = { good: 10_000, warn: 30_000, bad: 0 } as const satisfies Record<Message["tone"], number>;
const shownMax = 3;

const tones = {
  good: { border: "border-l-good", mark: "text-good", sign: "✓", word: "Done" },
  warn: { border: "border-l-warn", mark: "text-warn", sign: "!", word: "Attention" },
  bad: { border: "border-l-bad", mark: "text-bad", sign: "✕", word: "Problem" },
} as const satisfies Record<Message["tone"], object>;

const manager = Toast.createToastManager<Message>();

/** The messages in a corner: on a phone above, where no question's buttons are. */
export function Toaster({ messages }: { messages: Message[] }) {
  const shown = useRef(0);
  useEffect(() => {
    for (const message of messages.slice(shown.current)) {
      const { tone, title, text } = message;
      manager.add({ title, description: text, type: tone, data: message, timeout: shownMs[tone] });
    }
    shown.current = messages.length;
  }, [messages]);
  return (
    <Toast.Provider toastManager={manager} limit={shownMax}>
      <Toast.Portal>
        <Toast.Viewport className="fixed inset-x-4 top-4 z-60 mx-auto flex max-w-sm flex-col gap-2 sm:inset-x-auto sm:top-auto sm:right-4 sm:bottom-4 sm:w-96">
          <List />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}

function List() {
  const { toasts } = Toast.useToastManager<Message>();
  return toasts.map((toast) => {
    const { tone = "good", href } = toast.data ?? {};
    const { border, mark, sign, word } = tones[tone];
    return (
      <Toast.Root
        key={toast.id}
        toast={toast}
        swipeDirection={["up", "right"]}
        className={`rounded-md border border-line border-l-4 bg-panel p-3 text-ink shadow-lg data-limited:hidden data-ending-style:opacity-0 motion-safe:transition-opacity ${border}`}
      >
        <Toast.Content className="flex items-start gap-2">
          <span className={`font-bold ${mark}`}>
            <span aria-hidden="true">{sign}</span>
            <span className="sr-only">{word}:</span>
          </span>
          <div className="min-w-0 flex-1">
            <Toast.Title className="font-semibold" render={<p />} />
            <Toast.Description className="line-clamp-3 break-words text-muted" />
            {href !== undefined && (
              <Link href={href} prefetch={false} className="underline underline-offset-4">
                Show the issue
              </Link>
            )}
          </div>
          <Toast.Close aria-label="Put away" className={buttonClass("quiet")}>
            <span aria-hidden="true">✕</span>
          </Toast.Close>
        </Toast.Content>
      </Toast.Root>
    );
  });
}
