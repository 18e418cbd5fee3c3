import { describe, expect, it } from "vitest";
import { databaseAdvice } from "#config/database.ts";
import { secretValuesOf } from "#config/secret-values.ts";
import { type Config, readConfig } from "#config.ts";
import { Failure } from "#domain/failure.ts";

const url = "https://abcdefghijklmnopqrst.supabase.co";
const tokenWith = (role: string) => `x.${Buffer.from(JSON.stringify({ role })).toString("base64url")}.y`;
const basics = { NEXT_PUBLIC_SUPABASE_URL: url, NEXT_PUBLIC_SUPABASE_ANON_KEY: "sb_publishable_x" };
const pooler = "aws-0-eu-central-1.pooler.supabase.com";
const pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";

/** The lines that name bad variables. */
function complaints(environment: Record<string, string>): string[] {
  try {
    readConfig(environment);
    return [];
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return error.message.split("\n").slice(1);
  }
}

describe("accounts of Supabase", () => {
  it("take the address, the public key, and choices that have defaults", () => {
    expect(readConfig(basics).operators.supabase).toEqual({
      ...{ url, anonKey: "sb_publishable_x", serviceRoleKey: null },
      ...{ emails: [], ways: ["password", "link"] },
    });
    const chosen = { AGENT_OPERATOR_EMAILS: " Eva@Example.com, @example.org ,", AGENT_SIGN_IN_WITH: "github,password" };
    expect(readConfig({ ...basics, ...chosen }).operators.supabase).toMatchObject({
      emails: ["eva@example.com", "@example.org"],
      ways: ["github", "password"],
    });
    expect(readConfig({}).operators.supabase).toBeNull();
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ["the address alone", { NEXT_PUBLIC_SUPABASE_URL: url }, /NEXT_PUBLIC_SUPABASE_ANON_KEY must be set together/],
    ["the key alone", { NEXT_PUBLIC_SUPABASE_ANON_KEY: "x" }, /NEXT_PUBLIC_SUPABASE_URL must be set together/],
    [
      "no https",
      { ...basics, NEXT_PUBLIC_SUPABASE_URL: "http://db.test" },
      /NEXT_PUBLIC_SUPABASE_URL must be an address/,
    ],
    ["the new secret key", { ...basics, NEXT_PUBLIC_SUPABASE_ANON_KEY: "sb_secret_x" }, /is the secret key/],
    [
      "the old secret key",
      { ...basics, NEXT_PUBLIC_SUPABASE_ANON_KEY: tokenWith("service_role") },
      /is the secret key/,
    ],
    ["the public key as secret", { ...basics, SUPABASE_SERVICE_ROLE_KEY: tokenWith("anon") }, /is the publishable/],
    ["a list with a name", { ...basics, AGENT_OPERATOR_EMAILS: "eva" }, /AGENT_OPERATOR_EMAILS must be e-mail/],
    ["a list with spaces for commas", { ...basics, AGENT_OPERATOR_EMAILS: "a@b.de c@d.de" }, /AGENT_OPERATOR_EMAILS/],
    ["an unlikely way in", { ...basics, AGENT_SIGN_IN_WITH: "Git Hub" }, /AGENT_SIGN_IN_WITH must be/],
  ])("refuse %s, and show no value", (_, environment, expected) => {
    const lines = complaints(environment);
    expect(lines.join("\n")).toMatch(expected);
    expect(lines.join("\n")).not.toContain("sb_secret");
  });

  it("have a secret key that is taken out of every text", () => {
    const config = readConfig({ ...basics, SUPABASE_SERVICE_ROLE_KEY: "sb_secret_hunter2hunter2" });
    expect(secretValuesOf(config)).toContain("sb_secret_hunter2hunter2");
  });
});

describe("the address of a database at Supabase", () => {
  it("takes its certificate with line breaks of either kind", () => {
    const database = { DATABASE_URL: `postgres://postgres.ref:x@${pooler}:6543/postgres` };
    for (const text of [pem, pem.replaceAll("\n", "\\n")])
      expect(readConfig({ ...database, DATABASE_CA_CERTIFICATE: text }).database).toMatchObject({ certificate: pem });
    expect(complaints({ ...database, DATABASE_CA_CERTIFICATE: "prod-ca-2021.crt" })).toEqual([
      "  DATABASE_CA_CERTIFICATE must be a certificate in PEM: -----BEGIN CERTIFICATE----- and so on",
    ]);
  });

  it.each([
    ["a placeholder", `postgres://postgres.ref:[YOUR-PASSWORD]@${pooler}:6543/postgres`, /placeholder/],
    [
      "a user of no project",
      `postgres://postgres:x@${pooler}:6543/postgres`,
      /user name postgres\.<project reference>/,
    ],
  ])("is refused with %s", (_, address, expected) => {
    expect(complaints({ DATABASE_URL: address }).join()).toMatch(expected);
  });

  const advice = (address: string, workers: boolean, certificate: string | null = null) =>
    databaseAdvice({ database: { kind: "postgres", url: address, certificate }, workers } satisfies Pick<
      Config,
      "database" | "workers"
    >);

  it.each<[string, string, boolean, string | null, string | undefined]>([
    ["session mode on functions", `postgres://postgres.ref:x@${pooler}:5432/postgres`, false, pem, "degraded"],
    ["session mode on a server", `postgres://postgres.ref:x@${pooler}:5432/postgres`, true, pem, undefined],
    [
      "the direct address on functions",
      "postgres://postgres:x@db.abcdefghijkl.supabase.co:5432/postgres",
      false,
      pem,
      "degraded",
    ],
    ["transaction mode on functions", `postgres://postgres.ref:x@${pooler}:6543/postgres`, false, pem, undefined],
    ["no certificate", `postgres://postgres.ref:x@${pooler}:6543/postgres`, false, null, "ok"],
    [
      "proof from elsewhere",
      `postgres://postgres.ref:x@${pooler}:6543/postgres?sslmode=verify-full`,
      false,
      null,
      undefined,
    ],
    ["another host", "postgres://app:x@db.example.com/app", false, null, undefined],
  ])("with %s", (_, address, workers, certificate, status) => {
    expect(advice(address, workers, certificate)?.status).toBe(status);
  });
});
