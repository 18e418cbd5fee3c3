/** Finds values that are known beforehand: the configured secrets, in every form in which they may turn up. */

/** A shorter "secret" would black out ordinary words. */
const secretCharactersMin = 8;
/** The beginning of a secret at the end of a text that was cut; less of it tells nothing. */
const beginningMin = 4;

export interface KnownSecrets {
  /** The text with `mark` in the place of every known value, also of one that is broken over lines. */
  without(text: string, mark: string): string;
  /** The same for a text whose end was cut off: a known value that only began goes too. */
  withoutBeginning(text: string, mark: string): string;
}

/** Shorter than 8 characters is no secret. */
export function knownSecrets(secrets: readonly string[]): KnownSecrets {
  const forms = [...new Set(secrets.filter((secret) => secret.length >= secretCharactersMin).flatMap(formsOf))]
    .filter((form) => form.length >= secretCharactersMin)
    // The longest first: what is part of another must not break it into pieces.
    .toSorted((a, b) => b.length - a.length);
  const find = finderOf(forms);
  return {
    without: (text, mark) => {
      const scrubbed = find(text, mark);
      return forms.length > 0 && scrubbed.includes("\n") ? withoutBroken(scrubbed, find, mark) : scrubbed;
    },
    withoutBeginning: (text, mark) => {
      const begun = Math.max(0, ...forms.map((form) => beginningAtEnd(text, form)));
      return begun === 0 ? text : text.slice(0, -begun) + mark;
    },
  };
}

/** How a secret may look inside a text. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString("hex");
  const json = JSON.stringify(secret).slice(1, -1);
  const url = encodeURIComponent(secret.toWellFormed());
  return [
    secret,
    ...base64Forms(bytes),
    ...[hex, hex.toUpperCase()],
    ...[
      url,
      url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
      url.replaceAll("%20", "+"),
      encodeURI(secret.toWellFormed()),
    ],
    ...[json, JSON.stringify(json).slice(1, -1)],
  ];
}

/**
 * In base64 three bytes become four letters, so that a secret inside a longer text (`user:secret`) looks different at each
 * of three places; letters that also depend on the neighbours are left off.
 */
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const shifted = Buffer.concat([Buffer.alloc(offset), bytes]);
    const whole = shifted.toString("base64").replace(/={1,2}$/, "");
    const inner = whole.slice(Math.ceil((offset * 8) / 6), Math.floor((shifted.length * 8) / 6));
    const forms = offset === 0 ? [whole, inner] : [inner];
    return forms.flatMap((form) => [form, form.replaceAll("+", "-").replaceAll("/", "_")]);
  });
}

/** One pass over the text whatever the number of forms: a bitmap of beginnings says where it is worth to compare. */
function finderOf(forms: readonly string[]): (text: string, mark: string) => string {
  const beginnings = new Uint8Array(65_536);
  const byBeginning = new Map<number, string[]>();
  for (const form of forms) {
    const slot = slotOf(form, 0);
    beginnings[slot] = 1;
    byBeginning.set(slot, [...(byBeginning.get(slot) ?? []), form]);
  }
  return (text, mark) => {
    if (forms.length === 0) return text;
    let kept = "";
    let from = 0;
    for (let at = 0; at + secretCharactersMin <= text.length; at++) {
      const slot = slotOf(text, at);
      if (beginnings[slot] === 0) continue;
      const found = byBeginning.get(slot)?.find((form) => text.startsWith(form, at));
      if (found === undefined) continue;
      kept += text.slice(from, at) + mark;
      from = at + found.length;
      at = from - 1;
    }
    return from === 0 ? text : kept + text.slice(from);
  };
}

function slotOf(text: string, at: number): number {
  return (text.charCodeAt(at) * 961 + text.charCodeAt(at + 1) * 31 + text.charCodeAt(at + 2)) & 0xffff;
}

/** Encoders break long lines. Where the text without its line ends holds a known value, the lines around it are joined. */
function withoutBroken(text: string, find: (text: string, mark: string) => string, mark: string): string {
  const joined = text.replace(/(?<=\S)\n[ \t]{0,20}(?=\S)/g, "");
  const scrubbed = find(joined, mark);
  return scrubbed === joined ? text : scrubbed;
}

function beginningAtEnd(text: string, form: string): number {
  for (let length = Math.min(form.length - 1, text.length); length >= beginningMin; length--) {
    if (text.endsWith(form.slice(0, length))) return length;
  }
  return 0;
}
