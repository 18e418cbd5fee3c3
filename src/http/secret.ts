import { hash, timingSafeEqual } from "node:crypto";

/**
 * Whether the presented secret is the expected one, in time that tells nothing about either. Where none is configured
 * nobody gets in: a missing variable must never compare equal to anything (reliability, fact 13).
 */
export function isSecret(presented: string | null, expected: string | null): boolean {
  if (presented === null || presented === "" || expected === null || expected === "") return false;
  return timingSafeEqual(digest(presented), digest(expected));
}

/** The same for one of several: every one of them is compared, whichever fits. Made once for many requests. */
export function oneOf<Meaning>(secrets: readonly { secret: string; meaning: Meaning }[]) {
  const expected = secrets
    .filter(({ secret }) => secret !== "")
    .map(({ secret, meaning }) => ({ digest: digest(secret), meaning }));
  return (presented: string | null): Meaning | undefined => {
    if (presented === null || presented === "") return undefined;
    const given = digest(presented);
    return expected.filter((one) => timingSafeEqual(given, one.digest))[0]?.meaning;
  };
}

/** The token of `Authorization: Bearer <token>`, from that header only. Two headers, or anything around it, is none. */
export function bearerOf(request: Request): string | null {
  return /^Bearer {1,5}([\x21-\x7e]{1,1000})$/i.exec(request.headers.get("authorization") ?? "")?.[1] ?? null;
}

/** Equal lengths for the comparison, whatever was sent. */
function digest(secret: string): Buffer {
  return hash("sha256", secret, "buffer");
}
