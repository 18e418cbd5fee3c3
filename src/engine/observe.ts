/** What the engine did, as it happens: for logs and live views. Observers cannot change the course of things. */
export type EngineEvent =
  | { kind: "claimed"; issueId: string; status: string }
  | { kind: "effect_intended" | "effect_acted" | "effect_recorded"; effect: string; key: string }
  | { kind: "settled"; issueId: string; from: string; to: string; because: string }
  | { kind: "waiting"; issueId: string; status: string; until: Date; because: string }
  | { kind: "step_failed"; issueId: string; status: string; because: string; error: unknown }
  | { kind: "committed" }
  | { kind: "queue_error"; error: unknown };

export type Observer = (event: EngineEvent) => void;
