import { readFileSync } from "node:fs";

/**
 * A name for something that must not outlive this process. It carries the process's id and the moment it started,
 * because ids come again: in a container the next process often has the very same one.
 */
export function ownName(suffix: string): string {
  const start = startOf(process.pid);
  return `${process.pid}${start === undefined ? "" : `.${start}`}-${suffix}`;
}

/** Whether `name` was made by `ownName` in a process that has ended. Names of another form belong to nobody we know. */
export function isOrphaned(name: string): boolean {
  const [, pid, start] = ownedName.exec(name) ?? [];
  if (pid === undefined) return false;
  if (start === undefined) return !isAlive(Number(pid));
  return startOf(Number(pid)) !== start;
}

const ownedName = /^(\d{1,10})(?:\.(\d{1,20}))?-/;

/** In ticks since the machine started; `undefined` where no such process lives, or where the system does not say. */
function startOf(pid: number): string | undefined {
  try {
    // What precedes the last bracket is the process's own name, which may contain anything.
    const [state, ...rest] =
      readFileSync(/* turbopackIgnore: true */ `/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    // A killed process that nobody waited for is still listed; it does nothing any more.
    return state === "Z" || state === "X" ? undefined : rest[startField];
  } catch {
    return undefined;
  }
}

/** Field 22 of `/proc/<pid>/stat` (proc(5)), counted from the one after the state. */
const startField = 18;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It lives and belongs to someone else.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
