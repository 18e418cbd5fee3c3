import { createHmac, generateKeyPairSync, type KeyObject, randomUUID, sign, verify } from "node:crypto";

export type Algorithm = "HS256" | "ES256";

/** Signs and verifies access tokens as Supabase Auth does: with the project's shared secret, or with a key whose public half is published. */
export interface Signer {
  sign(claims: Record<string, unknown>): string;
  /** The claims of a token that this signer made; `undefined`: anything else. */
  verify(token: string): Record<string, unknown> | undefined;
  jwks: { keys: Record<string, unknown>[] };
}

export function createSigner(algorithm: Algorithm): Signer {
  const secret = randomUUID();
  const kid = randomUUID();
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const header = algorithm === "HS256" ? { alg: algorithm, typ: "JWT" } : { alg: algorithm, typ: "JWT", kid };
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signature = (text: string) =>
    algorithm === "HS256"
      ? createHmac("sha256", secret).update(text).digest("base64url")
      : sign("sha256", Buffer.from(text), { key: pair.privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url");
  return {
    sign: (claims) => {
      const text = `${part(header)}.${part(claims)}`;
      return `${text}.${signature(text)}`;
    },
    verify: (token) => {
      const [head = "", body = "", given = ""] = token.split(".");
      if (head !== part(header)) return undefined;
      const text = `${head}.${body}`;
      const isOurs = algorithm === "HS256" ? given === signature(text) : isSignedBy(pair.publicKey, text, given);
      return isOurs ? JSON.parse(Buffer.from(body, "base64url").toString("utf8")) : undefined;
    },
    jwks: {
      keys:
        algorithm === "HS256"
          ? []
          : [
              {
                ...pair.publicKey.export({ format: "jwk" }),
                kid,
                alg: algorithm,
                use: "sig",
                key_ops: ["verify"],
              },
            ],
    },
  };
}

function isSignedBy(key: KeyObject, text: string, signature: string): boolean {
  return verify("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64url"));
}
