import { beforeEach, describe, expect, it } from "vitest";
import type { Notice } from "#domain/notice.ts";
import type { Notifier, SendOptions } from "#ports/notifier.ts";

export interface NotifierUnderTest {
  notifier: Notifier;
  /** Where the application is, as the notifier was told. */
  appUrl: string;
  /** What people got to read, message by message, as plain text. */
  delivered(): string[];
  /** It can look whether a message is there already, and marks none. */
  looksFirst?: boolean;
  /** From now on the far side takes nothing. */
  break(): void | Promise<void>;
}

export function aNotice(changes: Partial<Notice> = {}): Notice {
  return {
    key: "issue-1:detected",
    kind: "issue_detected",
    issueId: "0b54c1f2-6a3e-4d0c-9e57-1f4f5b1f2a11",
    severity: "P2",
    title: "Cannot read property 'id' of undefined",
    text: "POST /api/campaigns/launch returns 500",
    fields: [{ label: "Affected users", value: "12" }],
    link: { label: "View in Dashboard", path: "/dashboard/agent/issues/1" },
    ...changes,
  };
}

const first: SendOptions = { repeated: false, thread: null };

/** What every notifier promises (src/ports/notifier.ts). */
export function notifierContract(name: string, create: () => Promise<NotifierUnderTest>): void {
  describe(`${name} keeps the promises of a notifier`, () => {
    let under: NotifierUnderTest;
    beforeEach(async () => {
      under = await create();
    });

    it("delivers one message with everything that the notice says", async () => {
      await under.notifier.send(aNotice(), first);
      expect(under.delivered()).toHaveLength(1);
      for (const part of [
        "P2",
        "Cannot read property 'id' of undefined",
        "POST /api/campaigns/launch returns 500",
        "Affected users",
        "12",
        "View in Dashboard",
        `${under.appUrl}/dashboard/agent/issues/1`,
      ]) {
        expect(under.delivered()[0]).toContain(part);
      }
      expect(under.delivered()[0]).not.toContain("may repeat");
    });

    it("looks for a message that may have been delivered before, or marks it", async () => {
      await under.notifier.send(aNotice(), { ...first, repeated: true });
      const mark = expect.stringContaining("(may repeat an earlier message)");
      expect(under.delivered()).toEqual([under.looksFirst === true ? expect.not.stringContaining("may repeat") : mark]);
    });

    it("delivers a notice without severity, text, facts and link", async () => {
      const notice = aNotice({ severity: null, issueId: null, text: "", fields: [], link: null, title: "Paused" });
      await under.notifier.send(notice, first);
      expect(under.delivered()).toEqual([expect.stringContaining("Paused")]);
    });

    it("delivers each of many notices that are sent at the same time once and whole", async () => {
      const titles = Array.from({ length: 20 }, (_, index) => `Problem number ${index};`);
      await Promise.all(titles.map((title) => under.notifier.send(aNotice({ title, key: title }), first)));
      expect(under.delivered()).toHaveLength(titles.length);
      for (const title of titles) {
        expect(under.delivered().filter((message) => message.includes(title))).toHaveLength(1);
      }
    });

    it("lets nothing that a notice quotes steer the reader's screen (reliability D27)", async () => {
      const hostile = "\u001b[2J\u001b]8;;http://evil.example\u0007click\u0007\u0000\r\n\u202egnp.exe\u200b";
      const notice = aNotice({
        title: hostile,
        text: hostile,
        severity: hostile,
        fields: [{ label: hostile, value: hostile }],
      });
      await under.notifier.send(notice, first);
      // Line breaks are the message's own layout.
      expect(under.delivered().join("").replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u202e\u200b]/u);
    });

    it("bounds a huge notice", async () => {
      const huge = "x".repeat(1_000_000);
      const fields = Array.from({ length: 10_000 }, () => ({ label: "fact", value: huge }));
      await under.notifier.send(aNotice({ title: huge, text: `${huge}\n`.repeat(3), fields }), first);
      expect(under.delivered().join("").length).toBeLessThan(40_000);
    });

    it("says `unavailable` when the message could not be delivered", async () => {
      await under.break();
      await expect(under.notifier.send(aNotice(), first)).rejects.toMatchObject({ code: "unavailable" });
    });
  });
}
