import { setTimeout as after } from "node:timers";
import { sql } from "drizzle-orm";
import { z } from "zod";
import { Failure } from "#domain/failure.ts";
import type { IntakeParts } from "./intake.ts";

const lookAgainMs = 1_000;

/** Looks for the database until it is back, and then brings it what was kept meanwhile. */
export function absenceOf({ connection, spool, observe }: IntakeParts, write: (records: string[]) => Promise<void>) {
  let away = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;

  async function look(): Promise<void> {
    try {
      await connection.rows(z.unknown(), sql`SELECT 1`);
      away = false;
      await spool?.replay(writeEach);
    } catch (error) {
      away = isOutage(error);
      observe({ kind: "queue_error", error });
    }
    if (!stopped && (away || spool?.isEmpty() === false)) lookLater();
  }

  /** A record that the database will never take must not stand in the way of the others for ever. */
  async function writeEach(records: string[]): Promise<void> {
    try {
      await write(records);
    } catch (error) {
      if (stopped || isOutage(error)) throw error;
      if (records.length === 1) observe({ kind: "queue_error", error });
      else for (const record of records) await writeEach([record]);
    }
  }

  function lookLater(): void {
    timer ??= after(() => {
      timer = undefined;
      looking = look();
    }, lookAgainMs).unref();
  }

  if (spool?.isEmpty() === false) lookLater();
  return {
    isAway: () => away,
    /** Without a disk every request finds out for itself: nothing is gained by refusing it earlier. */
    begin() {
      if (spool === null || stopped) return;
      away = true;
      lookLater();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await looking;
    },
  };
}

/** The database is not there, or does not answer. */
export function isOutage(error: unknown): boolean {
  return error instanceof Failure && error.code === "unavailable";
}

/** `work`, or `unavailable` when it takes too long. What it still does then does not matter: ids make it harmless. */
export async function within<Value>(ms: number, work: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = after(() => fail(new Failure("unavailable", "The database did not answer in time.")), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}
