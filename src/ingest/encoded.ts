/** Secrets that somebody encoded before they reached a text. */

const base64Run = /(?<![\w+/-])[A-Za-z0-9+/_-]{20,8000}={0,2}(?![\w+/=-])/g;
const addressRun = /[\w.~!*'()%+-]{6,8000}/g;
const runsMax = 200;
const headBytes = 12;

/**
 * Decodes what looks like base64, hexadecimal or an address's percent code, and takes it out where `isSecret` says so of
 * what it holds. Nearly every long word decodes to unreadable bytes and is put aside after its first letters.
 */
export function withoutEncoded(text: string, mark: string, isSecret: (decoded: string) => boolean): string {
  let runs = 0;
  const scrubbed = text.replace(base64Run, (run) => {
    if (runs >= runsMax) return run;
    const decoded = readable(run);
    if (decoded === undefined) return run;
    runs++;
    return isSecret(decoded) ? mark : run;
  });
  if (!scrubbed.includes("%")) return scrubbed;
  return scrubbed.replace(addressRun, (run) => {
    if (!/%[0-9A-Fa-f]{2}/.test(run) || runs++ >= runsMax) return run;
    const decoded = percentDecoded(run);
    return decoded !== undefined && isSecret(decoded) ? mark : run;
  });
}

function readable(run: string): string | undefined {
  const isHex = run.length % 2 === 0 && /^[0-9a-fA-F]{2,8000}$/.test(run);
  const encoding = isHex ? "hex" : "base64";
  // A whole number of letters per byte, so that the head alone can be decoded.
  const head = Buffer.from(run.slice(0, isHex ? headBytes * 2 : (headBytes / 3) * 4), encoding);
  if (!isText(head)) return undefined;
  const bytes = Buffer.from(run, encoding);
  return isText(bytes) ? bytes.toString("latin1") : undefined;
}

function isText(bytes: Buffer): boolean {
  return bytes.length > 0 && bytes.every((byte) => (byte >= 0x20 && byte <= 0x7e) || byte === 0x0a || byte === 0x0d);
}

function percentDecoded(run: string): string | undefined {
  try {
    return decodeURIComponent(run);
  } catch {
    // A percent sign that is none of an address: nothing is encoded here.
    return undefined;
  }
}
