import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export interface TcpProxy {
  port: number;
  /** From now on nothing gets through in either direction, and nobody is told: as when a cable was pulled. */
  goSilent(): void;
  close(): Promise<void>;
}

/** A way to the server behind `path` (a socket file) over TCP. `refuse` sees the first bytes of a client and may answer in the server's place. */
export async function startProxy(path: string, refuse?: (first: Buffer) => Buffer | undefined): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let silent = false;
  const server = createServer((client) => {
    const upstream = connect(path);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
    }
    let first = true;
    client.on("data", (bytes) => {
      const answer = first ? refuse?.(bytes) : undefined;
      first = false;
      if (answer !== undefined) client.end(answer);
      else if (!silent) upstream.write(bytes);
    });
    upstream.on("data", (bytes) => silent || client.write(bytes));
    upstream.on("close", () => silent || client.destroy());
    client.on("close", () => upstream.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  return {
    port: address.port,
    goSilent: () => {
      silent = true;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
