import { sql } from "drizzle-orm";
import getPort from "get-port";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { z } from "zod";
import { type Connection, connectPostgres } from "#store/connect.ts";
import { isSupabase, tlsOf } from "#store/tls.ts";
import { certificateFor } from "#tests/support/certificates.ts";
import { type Pooler, startPooler } from "#tests/support/pgbouncer.ts";

const pem = "-----BEGIN CERTIFICATE-----";
const hosted = "postgres://postgres.ref:secret@aws-0-eu-central-1.pooler.supabase.com:6543/postgres";
const elsewhere = "postgres://app:secret@db.example.com/app";
const open = { rejectUnauthorized: false };
const proven = { rejectUnauthorized: true };

test.each([
  ["nothing said", elsewhere, null, false],
  ["nothing said, at Supabase", hosted, null, open],
  ["required", `${elsewhere}?sslmode=require`, null, proven],
  ["required, at Supabase", `${hosted}?sslmode=require`, null, open],
  ["in full, at Supabase", `${hosted}?sslmode=verify-full`, null, proven],
  ["a certificate", elsewhere, pem, { ca: pem, ...proven }],
  ["a certificate, at Supabase", `${hosted}?sslmode=require`, pem, { ca: pem, ...proven }],
  ["unproven on purpose", `${elsewhere}?sslmode=no-verify`, null, open],
  ["switched off", `${hosted}?sslmode=disable`, null, false],
  ["switched off, with a certificate", `${elsewhere}?sslmode=disable`, pem, false],
  ["files of the driver's", `${elsewhere}?sslmode=require&sslrootcert=ca.pem`, pem, undefined],
])("encryption: %s", (_, url, certificate, tls) => {
  expect(tlsOf(url, certificate).tls).toEqual(tls);
});

test("the address keeps everything but what is said about encryption", () => {
  const url = `${hosted}?sslmode=require&application_name=x&uselibpqcompat=true`;
  expect(tlsOf(url, null).url).toBe(`${hosted}?application_name=x`);
  expect(tlsOf(`${elsewhere}?a=%20b`, null).url).toBe(`${elsewhere}?a=%20b`);
});

test.each([
  [hosted, true],
  ["postgres://postgres:x@db.abcdefghijklmnopqrst.supabase.co:5432/postgres", true],
  ["postgres://x@supabase.com.example.org/postgres", false],
  ["postgres://x@mysupabase.com/postgres", false],
])("%s is Supabase's: %s", (url, expected) => expect(isSupabase(url)).toBe(expected));

const { postgres, pooler: installed } = inject("databases");

describe.runIf(postgres !== null && installed !== null)("a server that encrypts", () => {
  let pooler: Pooler;
  let port: number;
  let authority: string;
  const connections: Connection[] = [];
  beforeAll(async () => {
    const made = await certificateFor("localhost");
    authority = made.authority;
    port = await getPort({ host: "127.0.0.1" });
    pooler = await startPooler({
      socket: postgres?.socket ?? "",
      files: { "host.crt": made.certificate, "host.key": made.key },
      settings: [
        "listen_addr = 127.0.0.1",
        `listen_port = ${port}`,
        "client_tls_sslmode = require",
        "client_tls_cert_file = host.crt",
        "client_tls_key_file = host.key",
      ],
    });
  });
  afterAll(async () => {
    for (const connection of connections) await connection.close();
    await pooler?.stop();
  });

  const connect = async (host: string, query: string, certificate: string | null = null) => {
    const connection = await connectPostgres({
      url: `postgres://postgres@${host}:${port}/postgres${query}`,
      certificate,
    });
    connections.push(connection);
    return connection.rows(z.object({ n: z.int() }), sql`SELECT 1 AS n`);
  };
  const unproven = { code: "misconfigured", message: "The database server cannot prove who it is." };

  test("is trusted by its authority's certificate", async () => {
    expect(await connect("localhost", "", authority)).toEqual([{ n: 1 }]);
  });

  test("is not trusted without it, under another name, or by another authority", async () => {
    const stranger = await certificateFor("localhost");
    await expect(connect("localhost", "?sslmode=require")).rejects.toMatchObject(unproven);
    await expect(connect("127.0.0.1", "", authority)).rejects.toMatchObject(unproven);
    await expect(connect("localhost", "", stranger.authority)).rejects.toMatchObject(unproven);
    expect(await connect("127.0.0.1", "?sslmode=verify-ca", authority)).toEqual([{ n: 1 }]);
  });

  test("is reached unproven where that is asked for", async () => {
    expect(await connect("localhost", "?sslmode=no-verify")).toEqual([{ n: 1 }]);
  });

  test("says so to whoever comes without encryption", async () => {
    await expect(connect("localhost", "?sslmode=disable")).rejects.toMatchObject({ name: "Failure" });
  });
});
