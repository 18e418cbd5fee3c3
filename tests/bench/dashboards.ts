import { z } from "zod";
import type { Product } from "#demo/product.ts";

/** Many people who look at the board at once, each with a stream of their own. */
export interface Dashboards {
  /** What waits for a person, as the first of them shows it. */
  waiting(): string[];
  /** Comes back when none of them shows this question any more, or says how many still did after the time. */
  untilAllAreWithout(issueId: string): Promise<{ missed: number }>;
  close(): void;
}

const Board = z.object({ waiting: z.array(z.object({ issueId: z.string() })) });

export async function openDashboards(product: Product, count: number, withinMs: number): Promise<Dashboards> {
  const all = await Promise.all(Array.from({ length: count }, () => openOne(product)));
  return {
    waiting: () => all[0]?.waiting() ?? [],
    async untilAllAreWithout(issueId) {
      const found = await Promise.all(all.map((one) => one.untilWithout(issueId, withinMs)));
      return { missed: found.filter((isWithout) => !isWithout).length };
    },
    close: () => {
      for (const one of all) one.close();
    },
  };
}

async function openOne({ url, apiToken }: Product) {
  const aborter = new AbortController();
  const response = await fetch(`${url}/api/agent/board`, {
    headers: { authorization: `Bearer ${apiToken}`, accept: "text/event-stream" },
    signal: aborter.signal,
  });
  if (!response.ok || response.body === null) throw new Error(`the board answered ${response.status}`);
  let waiting: string[] | undefined;
  const listeners = new Set<() => void>();
  void listen(response.body, (board) => {
    waiting = board.waiting.map(({ issueId }) => issueId);
    for (const listener of listeners) listener();
  }).catch(() => undefined);
  const until = (isSo: () => boolean, withinMs: number) =>
    new Promise<boolean>((done) => {
      const end = (isIt: boolean) => {
        clearTimeout(timer);
        listeners.delete(look);
        done(isIt);
      };
      const look = () => isSo() && end(true);
      const timer = setTimeout(() => end(false), withinMs);
      listeners.add(look);
      look();
    });
  if (!(await until(() => waiting !== undefined, 30_000))) throw new Error("a stream stays without a board");
  return {
    waiting: () => waiting ?? [],
    untilWithout: (issueId: string, withinMs: number) => until(() => waiting?.includes(issueId) === false, withinMs),
    close: () => aborter.abort(),
  };
}

async function listen(body: ReadableStream<Uint8Array>, hear: (board: z.infer<typeof Board>) => void): Promise<void> {
  let text = "";
  for await (const piece of body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)) {
    text += piece;
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const data = /^event: board\ndata: (.+)$/m.exec(event)?.[1];
      if (data !== undefined) hear(Board.parse(JSON.parse(data)));
    }
  }
}
