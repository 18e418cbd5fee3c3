// Serves the build: what applications report goes straight to its handlers, everything else to Next.js.
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import next from "next";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const [hostname = "127.0.0.1", port = "3000"] = process.argv.slice(2);

const app = next({ dev: false, dir: root, hostname, port: Number(port) });
// Runs src/instrumentation.ts, which starts the agent of this process.
await app.prepare();
const { ingestFront } = await import("../src/http/front.ts");
const isTaken = ingestFront();
const handle = app.getRequestHandler();

const server = createServer((request, response) => {
  if (!isTaken(request, response)) void handle(request, response);
});
server.on("error", (error) => {
  console.error(`The server cannot listen on ${hostname}:${port}: ${error.message}`);
  process.exit(1);
});
server.listen(Number(port), hostname);
