"use client";

import { createContext, type ReactNode, useContext, useMemo } from "react";

/** How a page asks Vigil to do something. */
export interface Orders {
  role: "viewer" | "operator";
  /** Sends one order; why it was refused, or `null` when it was carried out. */
  send(method: "POST" | "PATCH" | "DELETE", path: string, body: unknown): Promise<Refusal | null>;
  /** Asks something that takes work but changes nothing. */
  ask(path: string): Promise<{ whole: boolean; message: string }>;
}

/** An order that was not carried out. */
export interface Refusal {
  /** The sentence to show. */
  message: string;
  /** What the page shows is no longer so: the same order would be refused again. */
  isConflict: boolean;
  /** What is wrong with which part of the order. */
  fields: { path: string[]; message: string }[];
}

const refused = (message: string): Refusal => ({ message, isConflict: false, fields: [] });

const Context = createContext<Orders>({
  role: "viewer",
  send: async () => refused("This page cannot give orders."),
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

function post(csrf: string, method: string, path: string, body: unknown): Promise<Response> {
  const headers = { "content-type": "application/json", "x-csrf-token": csrf };
  return fetch(path, { method, headers, body: JSON.stringify(body) });
}

async function send(csrf: string, method: string, path: string, body: unknown): Promise<Refusal | null> {
  try {
    const response = await post(csrf, method, path, body);
    return response.ok ? null : await refusalOf(response);
  } catch {
    return refused("Vigil cannot be reached. Nothing was changed; try again when you are online.");
  }
}

async function ask(csrf: string, path: string): Promise<{ whole: boolean; message: string }> {
  try {
    const response = await post(csrf, "POST", path, {});
    return response.ok ? await response.json() : { whole: false, message: (await refusalOf(response)).message };
  } catch {
    return { whole: false, message: "Vigil cannot be reached." };
  }
}

interface Answer {
  error?: { code?: string; message?: string; hint?: string; issues?: Refusal["fields"] };
}

/** The API answers every refusal with a sentence for people, and names the parts of a body that are wrong. */
async function refusalOf(response: Response): Promise<Refusal> {
  if (response.status === 401) return refused("You are signed out. Sign in again; nothing was changed.");
  const { error = {} }: Answer = await response.json().catch(() => ({}));
  const { message = `Vigil answered ${response.status}.`, hint, issues: fields = [] } = error;
  // Where the parts say what is wrong, that something is wrong need not be said.
  const sentences = fields.length === 0 ? [message, hint] : fields.map((field) => capitalised(field.message));
  return { message: sentences.filter(Boolean).join(" "), isConflict: response.status === 409, fields };
}

function capitalised(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
