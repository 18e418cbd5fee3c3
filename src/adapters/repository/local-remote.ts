import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Failure } from "#domain/failure.ts";
import type { Git, GitResult, RunOptions } from "./local-git.ts";

/** Where the repository is. Credentials are apart from the address, so that no command line and no message can show them. */
export interface RemoteAddress {
  /** What git is given. */
  url: string;
  /** What people may read. */
  label: string;
  protocol: (typeof protocols)[number];
  /** The folder, where the remote is one on this machine. */
  path: string | undefined;
  /** The value of the Authorization header, where the URL held credentials. */
  authorization: string | undefined;
  /** Every form in which the credentials could show up in git's output. */
  secrets: string[];
}

/** The remote repository: questions and pushes, with failures told apart and credentials taken out. */
export interface Remote {
  address: RemoteAddress;
  /** Runs a git command that talks to the remote. Its error text is redacted. */
  run(args: string[], options?: RunOptions): Promise<GitResult>;
  /** Branches and their commits, by name without `refs/heads/`, asked now. */
  heads(pattern?: string): Promise<Map<string, string>>;
  /** Where one branch points now; `undefined` when there is none. */
  head(branch: string): Promise<string | undefined>;
}

const protocols = ["file", "http", "https", "ssh"] as const;
const authorizationVariable = "VIGIL_REMOTE_AUTHORIZATION";

/** Understands a path, a `file:`, `http(s):` or `ssh:` URL, or `user@host:path`. Anything else is refused: `ext::` runs programs. */
export function parseRemote(remote: string): RemoteAddress {
  const plain = { authorization: undefined, path: undefined, secrets: [] };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (remote === "" || remote.startsWith("-") || /[\u0000-\u001f]/.test(remote)) throw notAnAddress();
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(remote)) return parseUrl(remote);
  if (/^[^/]*::/.test(remote)) throw notAnAddress();
  if (/^[\w.-]+@[\w.-]+:/.test(remote)) return { ...plain, url: remote, label: remote, protocol: "ssh" };
  const path = resolve(remote);
  return { ...plain, url: path, label: path, protocol: "file", path };
}

function parseUrl(remote: string): RemoteAddress {
  if (!URL.canParse(remote)) throw notAnAddress();
  const url = new URL(remote);
  const protocol = protocols.find((known) => `${known}:` === url.protocol);
  if (protocol === undefined || (protocol === "file" && url.host !== "")) throw notAnAddress();
  const { username, password } = url;
  url.password = "";
  if (protocol !== "ssh") url.username = "";
  const address = { url: url.href, label: url.href.split(/[?#]/)[0] ?? "", protocol, authorization: undefined };
  const path = protocol === "file" ? fileURLToPath(url) : undefined;
  // A user name alone is a token, or the account of an SSH server.
  const secret = password === "" && protocol !== "ssh" ? username : password;
  if (secret === "") return { ...address, path, secrets: [] };
  const basic = Buffer.from(`${decoded(username)}:${decoded(password)}`).toString("base64");
  const secrets = [basic, secret, decoded(secret)];
  if (protocol === "ssh" || protocol === "file") return { ...address, path, secrets };
  return { ...address, path, authorization: `Authorization: Basic ${basic}`, secrets };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function notAnAddress(): Failure {
  return new Failure("misconfigured", "The address of the repository is not one that Vigil can use.", {
    hint: "Set AGENT_REPOSITORY to a folder or to a URL that begins with https://, ssh:// or file://.",
  });
}

/** `git` is asked for at each call, because our own copy may have to be made first. */
export function createRemote(address: RemoteAddress, git: () => Promise<Git>): Remote {
  async function run(args: string[], options: RunOptions = {}): Promise<GitResult> {
    const { authorization } = address;
    const credentials: RunOptions =
      authorization === undefined
        ? {}
        : {
            environment: { ...options.environment, [authorizationVariable]: authorization },
            configFromEnvironment: [`http.extraHeader=${authorizationVariable}`],
          };
    const result = await (await git()).run(args, { ...options, ...credentials });
    return { ...result, stderr: redact(result.stderr, address.secrets) };
  }
  async function heads(pattern = "*"): Promise<Map<string, string>> {
    const result = await run(["ls-remote", "--refs", "--end-of-options", address.url, `refs/heads/${pattern}`]);
    if (result.exitCode !== 0) throw remoteFailure(address, result.stderr);
    return parseHeads(result.stdout.toString("utf8"));
  }
  return { address, run, heads, head: async (branch) => (await heads(branch)).get(branch) };
}

function parseHeads(listing: string): Map<string, string> {
  const heads = new Map<string, string>();
  for (const line of listing.split("\n")) {
    const match = /^([0-9a-f]{40})\trefs\/heads\/(.+)$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) heads.set(match[2], match[1]);
  }
  return heads;
}

/** Takes credentials out of git's output (reliability C17). */
export function redact(text: string, secrets: string[]): string {
  const withoutKnown = secrets.reduce((rest, secret) => rest.replaceAll(secret, "***"), text);
  return withoutKnown.replace(/(:\/\/)[^/@\s]+@/g, "$1***@");
}

/** What git's complaint about a remote means for the operator. The complaint itself stays in `cause`. */
export function remoteFailure({ label }: RemoteAddress, stderr: string): Failure {
  const cause = new Error(stderr.slice(0, 4_000));
  if (
    /authentication failed|could not read (username|password)|permission denied|returned error: 40[13]/i.test(stderr)
  ) {
    return new Failure("misconfigured", `The repository ${label} refused our credentials.`, {
      hint: "Check that the token or key in AGENT_REPOSITORY is valid and may read and push.",
      cause,
    });
  }
  if (/dubious ownership/i.test(stderr)) {
    return new Failure("misconfigured", `The repository ${label} belongs to another user of this machine.`, {
      hint: "Run the agent as the owner of that folder, or give the folder to the agent's user.",
      cause,
    });
  }
  if (
    /not appear to be a git repo|not a git repo|not found|does not exist|transport .* not allowed|mismatched alg/i.test(
      stderr,
    )
  ) {
    return new Failure("misconfigured", `There is no usable Git repository at ${label}.`, {
      hint: "Check AGENT_REPOSITORY: the folder or URL must be a Git repository that the agent may read.",
      cause,
    });
  }
  return new Failure("unavailable", `The repository ${label} is out of reach.`, {
    hint: "It is tried again; if it stays so, check the network and the repository's server.",
    cause,
  });
}
