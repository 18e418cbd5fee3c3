import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createLiveLine } from "#adapters/test-bench/live-line.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function listening() {
  const told: string[] = [];
  const live = createLiveLine((line) => told.push(line));
  return {
    ...live,
    print: (text: string) => live.add(Buffer.from(text)),
    afterASecond: () => {
      vi.advanceTimersByTime(1_000);
      return told.splice(0);
    },
  };
}

it("tells the last whole line of each second, and nothing where there is none", () => {
  const { print, afterASecond } = listening();
  expect(afterASecond()).toEqual([]);
  print("ok 1\nok 2\nok ");
  expect(afterASecond()).toEqual(["ok 2"]);
  expect(afterASecond()).toEqual([]);
  print("3\n\n  \n");
  expect(afterASecond()).toEqual(["ok 3"]);
});

it("puts a character together that came in two parts", () => {
  const { add, afterASecond } = listening();
  const [one, other] = [Buffer.from("größe\n").subarray(0, 3), Buffer.from("größe\n").subarray(3)];
  add(one);
  add(other);
  expect(afterASecond()).toEqual(["größe"]);
});

it("takes colours and carriage returns out", () => {
  const { print, afterASecond } = listening();
  print("\u001b[32m✓ one\u001b[0m\r\n");
  expect(afterASecond()).toEqual(["✓ one"]);
});

it("keeps little of a line that never ends, and finds the next one", () => {
  const { print, afterASecond } = listening();
  for (let n = 0; n < 100; n++) print("x".repeat(100_000));
  expect(afterASecond()).toEqual([]);
  print("\nok\n");
  expect(afterASecond()).toEqual(["ok"]);
  print(`${"y\n".repeat(100_000)}last\n`);
  expect(afterASecond()).toEqual(["last"]);
});

it("says nothing more once it is over", () => {
  const { print, stop, afterASecond } = listening();
  print("ok\n");
  stop();
  expect(afterASecond()).toEqual([]);
});
