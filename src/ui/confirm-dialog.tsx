"use client";

import { AlertDialog } from "@base-ui/react/alert-dialog";
import { useState, useTransition } from "react";
import { Button, buttonClass } from "./button.tsx";
import type { ConfirmProps } from "./confirm.tsx";

/** The question itself. While an order is under way a second press does nothing; a refusal is shown where it was asked. */
export function ConfirmDialog(props: ConfirmProps & { close(): void }) {
  const { look = "plain", title, children, action, reason, onConfirm, close } = props;
  const [refusal, setRefusal] = useState<string | null>(null);
  const [isBusy, start] = useTransition();
  const submit = (form: FormData) => {
    if (isBusy) return;
    start(async () => {
      const said = await onConfirm(String(form.get("reason") ?? "").trim());
      setRefusal(said);
      if (said === null) close();
    });
  };
  return (
    <AlertDialog.Root open onOpenChange={close}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="fixed inset-0 z-40 bg-black/50" />
        <AlertDialog.Popup className="fixed inset-x-0 bottom-0 z-50 mx-auto w-full max-w-lg rounded-t-xl border border-line bg-panel p-5 sm:inset-y-0 sm:my-auto sm:h-fit sm:rounded-xl">
          <AlertDialog.Title className="font-semibold text-base">{title}</AlertDialog.Title>
          <AlertDialog.Description render={<div />} className="mt-2 text-muted">
            {children}
          </AlertDialog.Description>
          <form action={submit} className="mt-4 space-y-4">
            {reason !== undefined && (
              <label className="block">
                <span className="font-medium">{reason.label}</span>
                <textarea
                  name="reason"
                  required={reason.required}
                  maxLength={1_000}
                  rows={3}
                  className="mt-1 w-full rounded-md border border-line bg-page p-2 text-base sm:text-sm"
                />
              </label>
            )}
            {refusal !== null && (
              <p role="alert" className="rounded-md bg-bad-soft p-2 text-bad">
                {refusal}
              </p>
            )}
            <div className="flex flex-col-reverse gap-2 sm:flex-row sm:justify-end">
              <AlertDialog.Close className={buttonClass("plain")}>Cancel</AlertDialog.Close>
              <Button type="submit" look={look === "danger" ? "danger" : "primary"} disabled={isBusy}>
                {isBusy ? "One moment…" : action}
              </Button>
            </div>
          </form>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
