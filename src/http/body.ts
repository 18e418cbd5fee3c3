import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, zstdDecompress } from "node:zlib";
import { Failure } from "#domain/failure.ts";
import { holdBytes } from "./body-room.ts";

type Decoder = (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const decoders: Record<string, Decoder | undefined> = Object.assign(Object.create(null), {
  gzip: promisify(gunzip),
  "x-gzip": promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
  zstd: promisify(zstdDecompress),
});

/** A body as it came over the wire, and how to unpack it. */
export interface PackedBody {
  bytes: Buffer;
  /** Throws `too_large` as soon as more than the bound comes out, `invalid` where it is not what it says to be. */
  unpacked(): Promise<Buffer>;
}

/**
 * The whole body, unpacked. Never holds more than `bytesMax` of it, on the wire or unpacked, however it is sent:
 * a length that is announced is refused at once, one that is not is cut off while it arrives.
 */
export async function readBody(request: Request, bytesMax: number): Promise<Buffer> {
  return (await readPacked(request, bytesMax)).unpacked();
}

/** The same in two steps, for bodies whose bytes on the wire are signed: nothing is unpacked for strangers. */
export async function readPacked(request: Request, bytesMax: number): Promise<PackedBody> {
  const encoding = request.headers.get("content-encoding")?.trim().toLowerCase() || "identity";
  const decode = decoders[encoding];
  if (encoding !== "identity" && decode === undefined) {
    const hint = `Send it plain or as one of: ${Object.keys(decoders).join(", ")}.`;
    throw new Failure("unsupported", "The body's content-encoding is not supported.", { hint });
  }
  if (Number(request.headers.get("content-length")) > bytesMax) throw tooLarge(bytesMax);
  const bytes = await readWire(request, bytesMax);
  return {
    bytes,
    unpacked: async () => (decode === undefined ? bytes : inTurn(() => unpacked(request, decode, bytes, bytesMax))),
  };
}

async function unpacked(request: Request, decode: Decoder, bytes: Buffer, bytesMax: number): Promise<Buffer> {
  const body = await unpack(() => decode(bytes, { maxOutputLength: bytesMax }), bytesMax);
  if (!holdBytes(request, body.byteLength)) throw noRoom();
  return body;
}

/** As many at once as Node has threads for: how much comes out is known only afterwards. */
const unpackedAtOnce = 4;
let unpacking = 0;
const waiting: (() => void)[] = [];

async function inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
  if (unpacking >= unpackedAtOnce) await new Promise<void>((next) => waiting.push(next));
  else unpacking++;
  try {
    return await work();
  } finally {
    // The place is handed on, so that nobody who comes now takes it before those who wait.
    const next = waiting.shift();
    if (next === undefined) unpacking--;
    else next();
  }
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
    const isHeld = bytes <= bytesMax && holdBytes(request, value.byteLength);
    if (!isHeld) {
      chunks.length = 0;
      await discard(reader);
      throw bytes > bytesMax ? tooLarge(bytesMax) : noRoom();
    }
    chunks.push(value);
  }
}

const discardedBytesMax = 16 * 1024 * 1024;

/**
 * Reads the rest and keeps nothing. Ending the connection instead would take the answer from the sender, and a sender
 * that reads no answer sends the same again. Whoever still does not stop is cut off.
 */
async function discard(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  for (let bytes = 0; bytes < discardedBytesMax; ) {
    const { done, value } = await nextChunk(reader);
    if (done) return;
    bytes += value.byteLength;
  }
  await reader.cancel();
}

/** For a request that is answered without its body having been read: the connection can then carry the next one. */
export async function discardBody(request: Request): Promise<void> {
  if (request.body === null || request.bodyUsed || request.body.locked) return;
  await discard(request.body.getReader()).catch(() => {
    // It broke off: nobody waits for the answer either.
  });
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

function noRoom(): Failure {
  return new Failure("rate_limited", "Too many large reports arrive at the same time.", { hint: "See Retry-After." });
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
