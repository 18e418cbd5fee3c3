import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, zstdDecompress } from "node:zlib";
import { Failure } from "#domain/failure.ts";

const decoders: Record<string, ((body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>) | undefined> =
  Object.assign(Object.create(null), {
    gzip: promisify(gunzip),
    "x-gzip": promisify(gunzip),
    deflate: promisify(inflate),
    br: promisify(brotliDecompress),
    zstd: promisify(zstdDecompress),
  });

/**
 * The whole body, unpacked. Never holds more than `bytesMax` of it, on the wire or unpacked, however it is sent:
 * a length that is announced is refused at once, one that is not is cut off while it arrives.
 */
export async function readBody(request: Request, bytesMax: number): Promise<Buffer> {
  const encoding = request.headers.get("content-encoding")?.trim().toLowerCase() || "identity";
  const decode = decoders[encoding];
  if (encoding !== "identity" && decode === undefined) {
    const hint = `Send it plain or as one of: ${Object.keys(decoders).join(", ")}.`;
    throw new Failure("unsupported", "The body's content-encoding is not supported.", { hint });
  }
  if (Number(request.headers.get("content-length")) > bytesMax) throw tooLarge(bytesMax);
  const wire = await readWire(request, bytesMax);
  return decode === undefined ? wire : unpack(() => decode(wire, { maxOutputLength: bytesMax }), bytesMax);
}

async function readWire(request: Request, bytesMax: number): Promise<Buffer> {
  if (request.body === null) return Buffer.alloc(0);
  const reader = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const { done, value } = await nextChunk(reader);
    if (done) return Buffer.concat(chunks, bytes);
    bytes += value.byteLength;
    if (bytes > bytesMax) {
      await reader.cancel();
      throw tooLarge(bytesMax);
    }
    chunks.push(value);
  }
}

async function nextChunk(reader: ReadableStreamDefaultReader<Uint8Array>) {
  try {
    return await reader.read();
  } catch (cause) {
    throw new Failure("invalid", "The body ended before it was complete.", { cause });
  }
}

async function unpack(decode: () => Promise<Buffer>, bytesMax: number): Promise<Buffer> {
  try {
    return await decode();
  } catch (cause) {
    const isBomb = cause instanceof Error && "code" in cause && cause.code === "ERR_BUFFER_TOO_LARGE";
    if (isBomb) throw tooLarge(bytesMax);
    throw new Failure("invalid", "The body cannot be unpacked as its content-encoding says.", { cause });
  }
}

function tooLarge(bytesMax: number): Failure {
  return new Failure("too_large", `The body is larger than ${bytesMax} bytes.`);
}

const commandBytesMax = 64 * 1024;

/**
 * A small JSON body, or `{}` where there is none. A browser must say that it is JSON: a form on a page elsewhere cannot
 * (reliability D19).
 */
export async function readJson(request: Request): Promise<unknown> {
  const isJson = /^application\/json\b/i.test(request.headers.get("content-type") ?? "");
  const body = await readBody(request, commandBytesMax);
  if (body.byteLength === 0) return {};
  if (!isJson && request.headers.has("origin")) {
    throw new Failure("unsupported", "The body must be JSON.", {
      hint: "Send it with content-type: application/json.",
    });
  }
  try {
    return JSON.parse(body.toString("utf8"));
  } catch (cause) {
    throw new Failure("invalid", "The body is not valid JSON.", { cause });
  }
}
