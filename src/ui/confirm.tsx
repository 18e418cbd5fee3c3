"use client";

import { lazy, type ReactNode, Suspense, useRef, useState } from "react";
import { Button, type ButtonLook } from "./button.tsx";
import type { Refusal } from "./orders.tsx";

const load = () => import("./confirm-dialog.tsx");
/** Fetched when somebody reaches for the button: most visits open no dialog. */
const ConfirmDialog = lazy(async () => ({ default: (await load()).ConfirmDialog }));

export interface ConfirmProps {
  /** What the button that opens it says. */
  label: ReactNode;
  look?: ButtonLook;
  title: string;
  /** What will happen, in a sentence or two. */
  children: ReactNode;
  /** What the button says that does it. */
  action: string;
  disabled?: boolean;
  /** Shown on the opening button when it is disabled: why. */
  why?: string | undefined;
  /** What else is asked. */
  fields?: ReactNode;
  /** Asks for a text that is kept. */
  reason?: { label: string; required: boolean };
  /** What is said when it is done. */
  done: string;
  /** Why it was refused, or `null` when it is done. */
  onConfirm(reason: string, form: FormData): Promise<Refusal | null>;
}

/** A button that asks before it acts. */
export function Confirm(props: ConfirmProps) {
  const { label, look = "plain", disabled, why } = props;
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <>
      <Button
        ref={button}
        look={look}
        disabled={disabled}
        title={disabled ? why : undefined}
        aria-haspopup="dialog"
        onPointerEnter={load}
        onFocus={load}
        onClick={() => setOpen(true)}
      >
        {label}
      </Button>
      {isOpen && (
        <Suspense>
          <ConfirmDialog {...props} close={close} />
        </Suspense>
      )}
    </>
  );
}
