import { createServer, request as requestHttp, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { VercelDeployment, VercelState } from "./state.ts";

export interface Host {
  /** `127.0.0.1:<port>`: stands for a domain. */
  address: string;
  close(): Promise<void>;
}

/** One domain: whatever deployment it points at now answers, behind Vercel's deployment protection. */
export async function openHost({
  name,
  state,
  find,
}: {
  name: string;
  state: VercelState;
  find: () => VercelDeployment | null;
}): Promise<Host> {
  const isProtected = () => {
    const { protection = "none" } = state.options;
    return protection === "all" || (protection === "standard" && name !== "production");
  };
  const server = createServer((request, response) => {
    const bypass = request.headers["x-vercel-protection-bypass"];
    const path = request.url ?? "/";
    state.visits.push({ host: name, path, bypass: typeof bypass === "string" ? bypass : null });
    response.setHeader("server", "Vercel");
    const deployment = find();
    if (state.isPaused) return refuse(response, 503, "DEPLOYMENT_PAUSED", "This deployment is temporarily paused");
    if (isProtected() && bypass !== state.bypassSecret) return demandSignIn(response);
    if (deployment === null) {
      return refuse(response, 404, "DEPLOYMENT_NOT_FOUND", "The deployment could not be found on Vercel.");
    }
    if (deployment.backend === null) return answerItself(response, path, deployment);
    const target = new URL(path, deployment.backend);
    const headers = { ...request.headers, host: target.host };
    const onward = requestHttp(target, { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => refuse(response, 502, "FUNCTION_INVOCATION_FAILED", "A server error has occurred"));
    request.pipe(onward);
  });
  return listen(server);
}

function answerItself(response: ServerResponse, path: string, deployment: VercelDeployment): void {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ status: "ok", release: deployment.serves, path }));
}

function demandSignIn(response: ServerResponse): void {
  response.writeHead(401, { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" });
  response.end("<!doctype html><html><head><title>Authentication Required</title></head><body></body></html>");
}

function refuse(response: ServerResponse, status: number, code: string, text: string): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", "x-vercel-error": code });
  response.end(`${text}\n\n${code}\n`);
}

/** Listens on a free port of this machine. Closing ends the open connections too. */
export async function listen(server: Server): Promise<Host> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy()));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    close: () =>
      new Promise<void>((done) => {
        server.close(() => done());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
