import type { ComponentProps } from "react";

const looks = {
  plain: "border-line bg-panel text-ink hover:bg-raised",
  primary: "border-accent bg-accent text-on-accent hover:opacity-90",
  danger: "border-bad bg-bad text-on-bad hover:opacity-90",
  quiet: "border-transparent bg-transparent text-ink hover:bg-raised",
} as const;

export type ButtonLook = keyof typeof looks;

/** The one shape of everything that is pressed; tall enough for a thumb on a phone. */
export function buttonClass(look: ButtonLook = "plain"): string {
  const shape = "inline-flex min-h-10 items-center justify-center gap-2 rounded-md border px-3 font-medium sm:min-h-8";
  return `${shape} disabled:cursor-not-allowed disabled:opacity-50 ${looks[look]}`;
}

export function Button({ look = "plain", className = "", ...rest }: ComponentProps<"button"> & { look?: ButtonLook }) {
  return <button type="button" {...rest} className={`${buttonClass(look)} ${className}`} />;
}
