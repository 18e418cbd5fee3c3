import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A certificate for `host` and the authority that signed it, as a host with an authority of its own has them (PEM). */
export async function certificateFor(host: string): Promise<{ authority: string; certificate: string; key: string }> {
  const folder = await mkdtemp(join(tmpdir(), "vigil-certificates-"));
  const openssl = (...args: string[]) => run("openssl", args, { cwd: folder });
  const read = (name: string) => readFile(join(folder, name), "utf8");
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  try {
    const ca = ["-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=Root of the tests", "-days", "3"];
    await openssl("req", "-x509", ...newKey, ...ca);
    const request = ["-keyout", "host.key", "-out", "host.csr", "-subj", `/CN=${host}`];
    await openssl("req", ...newKey, ...request, "-addext", `subjectAltName=DNS:${host}`);
    const signing = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-copy_extensions", "copy"];
    await openssl("x509", "-req", "-in", "host.csr", "-out", "host.crt", ...signing);
    return { authority: await read("ca.crt"), certificate: await read("host.crt"), key: await read("host.key") };
  } finally {
    await rm(folder, { recursive: true });
  }
}
