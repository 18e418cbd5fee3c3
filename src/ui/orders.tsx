"use client";

import { createContext, type ReactNode, useContext, useMemo } from "react";

/** How a page asks Vigil to do something. */
export interface Orders {
  role: "viewer" | "operator";
  /** Sends one order; the sentence to show when it was refused, or `null` when it was carried out. */
  send(method: "POST" | "PATCH" | "DELETE", path: string, body: unknown): Promise<string | null>;
  /** Asks something that takes work but changes nothing. */
  ask(path: string): Promise<{ whole: boolean; message: string }>;
}

const Context = createContext<Orders>({
  role: "viewer",
  send: async () => "This page cannot give orders.",
  ask: async () => ({ whole: false, message: "This page cannot ask." }),
});

/** `csrf` is the session's token: without it no order of a browser is accepted (reliability D19). */
export function OrdersProvider(props: { role: Orders["role"]; csrf: string; children: ReactNode }) {
  const { role, csrf, children } = props;
  const orders = useMemo<Orders>(
    () => ({
      role,
      send: (method, path, body) => send(csrf, method, path, body),
      ask: (path) => ask(csrf, path),
    }),
    [role, csrf],
  );
  return <Context value={orders}>{children}</Context>;
}

export function useOrders(): Orders {
  return useContext(Context);
}

async function send(csrf: string, method: string, path: string, body: unknown): Promise<string | null> {
  try {
    const response = await fetch(path, {
      method,
      headers: { "content-type": "application/json", "x-csrf-token": csrf },
      body: JSON.stringify(body),
    });
    return response.ok ? null : await sentenceOf(response);
  } catch {
    return "Vigil cannot be reached. Nothing was changed; try again when you are online.";
  }
}

async function ask(csrf: string, path: string): Promise<{ whole: boolean; message: string }> {
  try {
    const headers = { "content-type": "application/json", "x-csrf-token": csrf };
    const response = await fetch(path, { method: "POST", headers, body: "{}" });
    return response.ok ? await response.json() : { whole: false, message: await sentenceOf(response) };
  } catch {
    return { whole: false, message: "Vigil cannot be reached." };
  }
}

interface Refusal {
  error?: { message?: string; hint?: string };
}

/** The API answers every refusal with a sentence for people. */
async function sentenceOf(response: Response): Promise<string> {
  const { error }: Refusal = await response.json().catch(() => ({}));
  if (response.status === 401) return "You are signed out. Sign in again; nothing was changed.";
  return [error?.message ?? `Vigil answered ${response.status}.`, error?.hint].filter(Boolean).join(" ");
}
