import { Failure } from "#domain/failure.ts";

const depthMax = 10;

/** SQLSTATE classes and codes that say "not now": connection lost, shutting down, full, read-only, timed out, deadlocked. */
const outageStates = /^(08|53|57P|58)|^(25006|25P03|40001|40P01|55P03|57014)$/;
/** The server was reached and refuses us: password, role, database. */
const refusalStates = /^(28|3D)/;
const networkCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  // The socket file of a server that is not running.
  "ENOENT",
  "EACCES",
]);
/** node-postgres and PGlite give these errors no code, so that only their text tells them from a bug. */
const codeless =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end|PGlite (is|was|has been) clos|Query read timeout)/;

/**
 * What a failed query means for the caller: `unavailable` (retried) when the database was not there or too busy,
 * `misconfigured` when it refused us; any other error comes back as it was. To be thrown by whoever caught it.
 */
export function asFailure(error: unknown): unknown {
  for (const one of causes(error)) {
    if (one instanceof Failure) return one;
    const code = codeOf(one);
    if (code !== undefined && refusalStates.test(code)) {
      return new Failure("misconfigured", "The database refused the connection.", {
        hint: "Check user, password and database name in DATABASE_URL.",
        cause: error,
      });
    }
    const mistake = mistakeOf(one, code);
    if (mistake !== undefined)
      return new Failure("misconfigured", mistake.message, { hint: mistake.hint, cause: error });
    if (isOutage(one, code)) return new Failure("unavailable", "The database did not answer.", { cause: error });
  }
  return error;
}

/** What node says when a server cannot prove who it is. */
const unproven =
  /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|CERT_[A-Z_]+|ERR_TLS_CERT_ALTNAME_INVALID)$/;
/**
 * Supabase's pooler answers everything under one state, `XX000`, with its own code in brackets before the text (older
 * ones with the text alone). These say that the address is wrong; all its others say "not now".
 */
const poolerRefusal =
  /^\((ENOTFOUND|ENOIDENTIFIER|EINVALIDUSERINFO|EADDRNOTALLOWED|ESSLREQUIRED|EAUTHQUERY|EBANNED|EMULTIPLEUSERS)\)|^Tenant or user not found/;
const poolerOutage = /^\(E[A-Z]+\)|^Max client connections reached|^MaxClientsInSessionMode|^Internal error/;

/** What an operator has to mend, and where. */
function mistakeOf(error: Error, code: string | undefined): { message: string; hint: string } | undefined {
  if (code !== undefined && unproven.test(code)) {
    return {
      message: "The database server cannot prove who it is.",
      hint: "Set DATABASE_CA_CERTIFICATE to the certificate of whoever signed the server's, or mend the host name in DATABASE_URL.",
    };
  }
  if (code === undefined && /^The server does not support SSL connections/.test(error.message)) {
    return {
      message: "The database server does not encrypt.",
      hint: "Remove sslmode and DATABASE_CA_CERTIFICATE, or let the server offer TLS.",
    };
  }
  if (code !== "XX000") return undefined;
  if (/^\(ESSLREQUIRED\)/.test(error.message)) {
    return {
      message: "The database takes encrypted connections only.",
      hint: "Remove sslmode=disable from DATABASE_URL.",
    };
  }
  if (!poolerRefusal.test(error.message)) return undefined;
  return {
    message: "The database's pooler refused the connection.",
    hint: "Copy the transaction pooler's address into DATABASE_URL again: its user is postgres.<project reference>.",
  };
}

/** A row that had to be new was there already (SQLSTATE 23505). */
export function isDuplicate(error: unknown): boolean {
  return causes(error).some((one) => codeOf(one) === "23505");
}

function isOutage(error: Error, code: string | undefined): boolean {
  if (code === undefined) return codeless.test(error.message);
  if (code === "XX000") return poolerOutage.test(error.message);
  return networkCodes.has(code) || outageStates.test(code);
}

/** The error and what caused it, outermost first; a connection that was tried at several addresses has several. */
function causes(error: unknown, depth = 0): Error[] {
  if (!(error instanceof Error) || depth > depthMax) return [];
  const inner = error instanceof AggregateError ? error.errors : [error.cause];
  return [error, ...inner.flatMap((one) => causes(one, depth + 1))];
}

function codeOf(error: Error): string | undefined {
  return "code" in error && typeof error.code === "string" ? error.code : undefined;
}
