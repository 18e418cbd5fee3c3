import { spawn } from "node:child_process";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { dirname } from "node:path";
import { git } from "./git.ts";

export interface GitServer {
  port: number;
  /** The Authorization headers that came, in order. */
  authorizations: (string | undefined)[];
  close(): Promise<void>;
}

/** Serves the bare repositories beside `remote` over HTTP with git's own server, to whoever has the password. */
export async function aGitServer(remote: string, account: { user: string; password: string }): Promise<GitServer> {
  await git(remote, "config", "http.receivepack", "true");
  const expected = `Basic ${Buffer.from(`${account.user}:${account.password}`).toString("base64")}`;
  const authorizations: (string | undefined)[] = [];
  return listen((request, response) => {
    authorizations.push(request.headers.authorization);
    if (request.headers.authorization === expected) return answerWithGit(dirname(remote), request, response);
    response.writeHead(401, { "www-authenticate": "Basic" });
    response.end(`no, ${request.headers.authorization}`);
  }, authorizations);
}

/** Takes connections and never answers. */
export async function aSilentServer(): Promise<GitServer> {
  return listen(() => {}, []);
}

async function listen(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  authorizations: (string | undefined)[],
): Promise<GitServer> {
  const server = createServer(answer);
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((done) => {
      server.close(() => done());
      for (const socket of sockets) socket.destroy();
    });
  return { port, authorizations, close };
}

function answerWithGit(root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? "/", "http://localhost");
  const child = spawn("git", ["http-backend"], {
    env: {
      NODE_ENV: "test",
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
      REQUEST_METHOD: request.method,
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: request.headers["content-type"],
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"],
      REMOTE_USER: "agent",
    },
  });
  request.pipe(child.stdin);
  child.stdin.on("error", () => {});
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.on("close", () => {
    const all = Buffer.concat(chunks);
    const end = all.indexOf("\r\n\r\n");
    for (const line of all.subarray(0, end).toString("latin1").split("\r\n")) {
      const [name = "", value = ""] = line.split(/: (.*)/);
      if (name === "Status") response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.end(all.subarray(end + 4));
  });
}
