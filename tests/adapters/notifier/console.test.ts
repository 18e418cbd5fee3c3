import { describe, expect, it } from "vitest";
import { createConsoleNotifier } from "#adapters/notifier/console.ts";
import { aNotice, notifierContract } from "#tests/ports/notifier.contract.ts";

notifierContract("console", async () => {
  const blocks: string[] = [];
  let isBroken = false;
  const appUrl = "https://vigil.example";
  const write = (block: string) => {
    if (isBroken) throw new Error("EPIPE");
    blocks.push(block);
  };
  return {
    notifier: createConsoleNotifier({ write, appUrl }),
    appUrl,
    delivered: () => blocks,
    break: () => {
      isBroken = true;
    },
  };
});

describe("a notice on the console", () => {
  async function printed(...[notice, options]: Parameters<ReturnType<typeof createConsoleNotifier>["send"]>) {
    const blocks: string[] = [];
    const notifier = createConsoleNotifier({ write: (block) => blocks.push(block), appUrl: "https://vigil.example/" });
    await notifier.send(notice, options);
    return blocks;
  }

  it("is one readable block", async () => {
    expect(await printed(aNotice({ text: "Two lines:\nPOST returns 500" }), { repeated: true, thread: null })).toEqual([
      [
        "[P2] Cannot read property 'id' of undefined",
        "  Two lines:",
        "  POST returns 500",
        "  Affected users: 12",
        "  View in Dashboard: https://vigil.example/dashboard/agent/issues/1",
        "  (may repeat an earlier message)",
      ].join("\n"),
    ]);
  });

  it("cannot be made to look like two", async () => {
    const title = "Typo\r\n[P0] Production is down\u2028[P0] Really";
    expect(
      await printed(aNotice({ title, text: "", fields: [], link: null }), { repeated: false, thread: null }),
    ).toEqual(["[P2] Typo [P0] Production is down [P0] Really"]);
  });

  it("says how much of a long text it left out", async () => {
    const text = Array.from({ length: 45 }, (_, index) => `line ${index}`).join("\n");
    const [block] = await printed(aNotice({ text, fields: [], link: null }), { repeated: false, thread: null });
    expect(block?.split("\n").slice(-2)).toEqual(["  line 39", "  (5 more lines)"]);
  });
});
