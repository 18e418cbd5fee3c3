import type { Config } from "../config.ts";

/** Every secret in the configuration, for whoever removes them from texts (reliability D13). Passwords inside addresses come separately too. */
export function secretValuesOf(config: Config): string[] {
  const { repository, platform, engineer, notifier, secrets, operators, database, drain, oversight } = config;
  const values = [
    secrets.cronSecret,
    secrets.ingestKey,
    secrets.apiToken,
    drain.secret,
    // Whoever knows it can keep the dead man's switch quiet.
    oversight.heartbeatUrl,
    operators.password,
    operators.viewerPassword,
    operators.supabase?.serviceRoleKey,
    database.kind === "postgres" ? database.url : null,
    database.kind === "postgres" ? passwordOf(database.url) : null,
    engineer.claude.kind === "present" ? engineer.claude.apiKey : null,
    notifier.kind === "slack" ? slackSecretOf(notifier.delivery) : null,
    notifier.kind === "slack" ? notifier.signingSecret : null,
    platform.kind === "vercel" ? platform.token : null,
    platform.kind === "vercel" ? platform.bypassSecret : null,
    repository.kind === "github" ? githubSecretOf(repository.credentials) : null,
  ];
  return values.filter((value): value is string => typeof value === "string" && value !== "");
}

function slackSecretOf(delivery: Extract<Config["notifier"], { kind: "slack" }>["delivery"]): string {
  return delivery.kind === "webhook" ? delivery.url : delivery.token;
}

function githubSecretOf(credentials: Extract<Config["repository"], { kind: "github" }>["credentials"]): string {
  return credentials.kind === "token" ? credentials.token : credentials.privateKey;
}

function passwordOf(url: string): string {
  const { password } = new URL(url);
  try {
    return decodeURIComponent(password);
  } catch {
    // A stray percent sign: the driver takes the password as it stands, and so do we.
    return password;
  }
}
