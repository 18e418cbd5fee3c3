/**
 * A program that uses the platform and is killed in the middle: it runs `steps`, and dies before or after the n-th
 * call of `point` within the last one, or when it is through (`finish`). Started by the tests as `node owner.ts JSON`.
 */
import child from "node:child_process";
import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { Environment, Sha } from "#domain/ids.ts";
import { aLocalPlatform } from "./local-platform.ts";

const Order = z.object({
  setup: z.object({ directory: z.string(), ports: z.object({ staging: z.int(), production: z.int() }) }),
  steps: z.array(z.object({ kind: z.enum(["deploy", "restore"]), environment: Environment, commit: Sha })),
  crash: z.object({ point: z.enum(["rename", "spawn", "finish"]), nth: z.int(), when: z.enum(["before", "after"]) }),
});
export type Order = z.infer<typeof Order>;

const { setup, steps, crash } = Order.parse(JSON.parse(process.argv[2] ?? ""));
let callsLeft = Number.POSITIVE_INFINITY;

function dieIf(when: "before" | "after"): void {
  if (callsLeft === 0 && crash.when === when) process.kill(process.pid, "SIGKILL");
}

if (crash.point === "rename") {
  const rename = fs.rename;
  fs.rename = async (from, to) => {
    callsLeft -= 1;
    dieIf("before");
    await rename(from, to);
    dieIf("after");
  };
} else if (crash.point === "spawn") {
  child.spawn = new Proxy(child.spawn, {
    apply(spawn, self, args) {
      callsLeft -= 1;
      dieIf("before");
      const started = Reflect.apply(spawn, self, args);
      dieIf("after");
      return started;
    },
  });
}
syncBuiltinESMExports();

const { platform } = aLocalPlatform(setup);
for (const [index, { kind, environment, commit }] of steps.entries()) {
  if (index === steps.length - 1) callsLeft = crash.nth;
  if (kind === "restore") {
    await platform.restore(environment, commit);
    continue;
  }
  while ((await platform.ensureDeployed(environment, commit)).kind === "pending") await sleep(30);
}
if (crash.point === "finish") process.kill(process.pid, "SIGKILL");
