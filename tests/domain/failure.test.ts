import { expect, it } from "vitest";
import { Failure } from "#domain/failure.ts";

it("is recognised when a bundler loaded its file twice: a conflict never turns into an internal error", async () => {
  // The query makes a second copy of the module, as the server's bundles have one each.
  const copy = "../../src/domain/failure.ts?copy";
  const other: { Failure: typeof Failure } = await import(copy);
  expect(other.Failure).not.toBe(Failure);
  expect(new other.Failure("conflict", "taken")).toBeInstanceOf(Failure);
  expect(new Error("taken")).not.toBeInstanceOf(Failure);
  expect({ code: "conflict" }).not.toBeInstanceOf(Failure);
});
