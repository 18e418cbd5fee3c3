import { openAsBlob } from "node:fs";
import { expect, inject } from "vitest";
import { connectEmbedded } from "#store/connect.ts";
import type { Ledger } from "./ledger.ts";
import type { Order } from "./order.ts";
import { embeddedTemplate, type Scene } from "./scene.ts";

/** A database to copy for each scene. */
export function killTemplate() {
  return embeddedTemplate(async (directory) =>
    connectEmbedded({ directory, restoreFrom: await openAsBlob(inject("databases").pgliteDump) }),
  );
}

const shipped = [
  "platform.deploy production",
  "platform.deploy staging",
  "repository.advance main",
  "repository.advance staging",
  "repository.publish",
];
const takenBack = ["platform.restore production", "repository.advance main"];

/** How an issue ends whose change does this, however often the agent died on the way. */
export const ends: Record<Order["change"], Pick<Ledger, "status" | "fixCommits" | "merges" | "reverts" | "done">> = {
  cures: { status: "resolved", fixCommits: 1, merges: 1, reverts: 0, done: shipped },
  breaks: { status: "failed", fixCommits: 1, merges: 1, reverts: 1, done: [...shipped, ...takenBack].sort() },
  dies: { status: "failed", fixCommits: 1, merges: 1, reverts: 1, done: [...shipped.slice(1), ...takenBack].sort() },
};

const messages: Record<Order["change"], string[]> = {
  cures: ["issue_detected", "resolved"],
  breaks: ["issue_detected", "rolled_back"],
  dies: ["issue_detected", "rolled_back"],
};

/** Kills one process of the agent after the other, each at the first time that it reaches its point; the last one ends the work. */
export async function killAt(scene: Scene, points: string[]): Promise<Ledger> {
  for (const point of points) {
    expect(await scene.run({ point, nth: 1 }), `it never came to "${point}"`).toBe("killed");
  }
  expect(await scene.run()).toBe("finished");
  return scene.end();
}

/** Every effect once, every message there (I4: once, or marked), every release started once, and every invariant kept. */
export function expectConverged(scene: Scene, ledger: Ledger): void {
  const { change, approves } = scene.order;
  const { status, reason, fixCommits, merges, reverts, done, violations, starts, deliveries } = ledger;
  const asked = approves ? ["approval_needed"] : [];
  const [first = "", last = ""] = messages[change];
  expect({ status, fixCommits, merges, reverts, done, violations }, reason).toEqual({
    ...ends[change],
    violations: [],
  });
  expect(Object.values(starts)).toEqual([1, 1, 1]);
  // A watch that nobody kept for too long asks for patience; that is no message about an effect.
  const kinds = new Set(deliveries.map(({ kind }) => kind).filter((kind) => kind !== "inconclusive"));
  expect(kinds).toEqual(new Set([first, ...asked, last]));
}
