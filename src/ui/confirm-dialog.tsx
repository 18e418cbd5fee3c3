"use client";

import { AlertDialog } from "@base-ui/react/alert-dialog";
import { type SubmitEvent, useEffect, useRef, useState, useTransition } from "react";
import { Button, buttonClass } from "./button.tsx";
import type { ConfirmProps } from "./confirm.tsx";
import type { Refusal } from "./orders.tsx";
import { tell } from "./toasts.tsx";

/**
 * The question itself. While an order is under way a second press does nothing; a refusal is shown where it was asked, or as a
 * message when the question was closed meanwhile. What the page showed wrongly cannot be asked for again from here.
 */
export function ConfirmDialog(props: ConfirmProps & { close(): void }) {
  const { look = "plain", title, children, action, fields, reason, done, onConfirm, close } = props;
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [isBusy, start] = useTransition();
  const isOpen = useRef(true);
  useEffect(() => {
    isOpen.current = true;
    return () => {
      isOpen.current = false;
    };
  }, []);
  // Not the form's action: that would empty the fields when the order is refused, and the reason would be lost.
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (isBusy) return;
    const form = new FormData(event.currentTarget);
    start(async () => {
      const said = await onConfirm(String(form.get("reason") ?? "").trim(), form);
      setRefusal(said);
      if (said === null) tell({ tone: "good", title: done });
      else if (!isOpen.current) tell({ tone: "bad", title: `${action}: refused`, text: said.message });
      if (said === null && isOpen.current) close();
    });
  };
  return (
    <AlertDialog.Root open onOpenChange={close}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="fixed inset-0 z-40 bg-black/50" />
        <AlertDialog.Popup className="fixed inset-x-0 bottom-0 z-50 mx-auto max-h-dvh w-full max-w-lg overflow-y-auto rounded-t-xl border border-line bg-panel p-5 sm:inset-y-0 sm:my-auto sm:h-fit sm:rounded-xl">
          <AlertDialog.Title className="font-semibold text-base">{title}</AlertDialog.Title>
          <AlertDialog.Description render={<div />} className="mt-2 text-muted">
            {children}
          </AlertDialog.Description>
          <form onSubmit={submit} className="mt-4 space-y-4">
            {fields}
            {reason !== undefined && <Reason {...reason} />}
            {refusal !== null && (
              <p role="alert" className="rounded-md bg-bad-soft p-2 text-bad">
                {refusal.message}
              </p>
            )}
            <div className="flex flex-col-reverse gap-2 sm:flex-row sm:justify-end">
              <AlertDialog.Close className={buttonClass("plain")}>Cancel</AlertDialog.Close>
              <Button
                type="submit"
                look={look === "danger" ? "danger" : "primary"}
                disabled={isBusy || refusal?.isConflict}
              >
                {isBusy ? "One moment…" : action}
              </Button>
            </div>
          </form>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}

/** A text that is kept with what it explains. */
function Reason({ label, required }: { label: string; required: boolean }) {
  return (
    <label className="block">
      <span className="font-medium">{label}</span>
      <textarea
        name="reason"
        required={required}
        maxLength={1_000}
        rows={3}
        className="mt-1 w-full rounded-md border border-line bg-page p-2 text-base sm:text-sm"
      />
    </label>
  );
}
