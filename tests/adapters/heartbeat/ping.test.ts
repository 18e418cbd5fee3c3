import type { RequestListener } from "node:http";
import { describe, expect, it } from "vitest";
import { createHeartbeat } from "#adapters/heartbeat/ping.ts";
import { serve } from "#tests/adapters/platform/servers.ts";

async function ping(url: string): Promise<string[]> {
  const troubles: string[] = [];
  await createHeartbeat({
    url: `${url}/secret-token`,
    timeoutMs: 300,
    onTrouble: (error) => troubles.push(String(error)),
  })();
  return troubles;
}

describe("the heartbeat", () => {
  it("asks once, and is content with any good answer", async () => {
    let asked = 0;
    const url = await serve((_, response) => {
      asked++;
      response.end("x".repeat(1_000_000));
    });
    expect(await ping(url)).toEqual([]);
    expect(asked).toBe(1);
  });

  it.each<[string, RequestListener]>([
    ["an error", (_, response) => response.writeHead(500).end()],
    ["a redirect, which is not followed", (_, response) => response.writeHead(302, { location: "/elsewhere" }).end()],
    ["silence", () => undefined],
    ["a broken connection", (request) => request.socket.destroy()],
  ])("survives %s, ends in time, and gives the address away to nobody", async (_, listener) => {
    const troubles = await ping(await serve(listener));
    expect(troubles).toHaveLength(1);
    expect(troubles[0]).not.toContain("secret-token");
  });
});
