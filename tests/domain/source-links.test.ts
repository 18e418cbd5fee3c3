import { describe, expect, it } from "vitest";
import { branchUrl, commitUrl, placeUrl, webUrl } from "#domain/source-links.ts";

const repository = "https://github.com/acme/clinic";
const commit = "0123456789abcdef0123456789abcdef01234567";

describe("a place in the source", () => {
  it.each([
    ["src/app/page.ts", 12, "/src/app/page.ts#L12"],
    ["src/app/page.ts", null, "/src/app/page.ts"],
    ["src/[id]/a b#c?.ts", 1, "/src/%5Bid%5D/a%20b%23c%3F.ts#L1"],
    ["src/ä.ts", 0, "/src/%C3%A4.ts"],
  ])("links %s, line %s, to the very commit", (file, line, end) => {
    expect(placeUrl(repository, commit, file, line)).toBe(`${repository}/blob/${commit}${end}`);
  });

  it.each([
    ...["/app/src/page.ts", "../secrets.ts", "src/../../other/repo", "src//page.ts", "./page.ts", ""],
    ...["node:internal/process", "https://evil.example/x.js", "webpack://app/src/page.ts", "C:\\app\\page.ts"],
  ])("has no link where %j is no file of the repository", (file) => {
    expect(placeUrl(repository, commit, file, 1)).toBeNull();
  });

  it.each([null, "v1.2.3", "main", "", "../..", "ABCDEF1"])(
    "has no link where the release %j is no commit",
    (release) => expect(placeUrl(repository, release, "a.ts", 1)).toBeNull(),
  );

  it("has no link where nobody shows the repository", () => {
    expect(placeUrl(null, commit, "a.ts", 1)).toBeNull();
    expect(commitUrl(null, commit)).toBeNull();
    expect(branchUrl(null, "agent/fix-1")).toBeNull();
  });
});

it("links commits and branches, and escapes their names", () => {
  expect(commitUrl(repository, commit)).toBe(`${repository}/commit/${commit}`);
  expect(commitUrl(repository, "main")).toBeNull();
  expect(branchUrl(repository, "agent/fix #1")).toBe(`${repository}/tree/agent/fix%20%231`);
  expect(branchUrl(repository, "../x")).toBeNull();
});

it.each([
  ["https://github.com/acme/clinic/pull/7", true],
  ["http://127.0.0.1:9/pull/7", true],
  ["javascript:alert(1)", false],
  ["//evil.example", false],
  ["https://", false],
  [null, false],
])("lets people follow %j: %s", (address, may) => expect(webUrl(address) !== null).toBe(may));
