/** Secrets that nobody ever used, in the shapes that their issuers publish. Put together at run time, so that no scanner takes this file for a leak. */

const letters = "aB3dE6gH9jK2mN5pQ8rS1tU4vW7xY0zCfGbLoRiTyWuXqPkJhVn";
const signs = (count: number, from = 0): string =>
  Array.from({ length: count }, (_, n) => letters[(n * 7 + from) % letters.length]).join("");
const hex = (count: number): string => "9f3b2c7d1e8a4506".repeat(Math.ceil(count / 16)).slice(0, count);
const large = (count: number): string => signs(count).toUpperCase();
const base64 = (text: string): string => Buffer.from(text).toString("base64url");
const jwt = [base64('{"alg":"HS256"}'), base64('{"sub":"1234567890"}'), signs(43)].join(".");
const pem = ["-----BEGIN PRIVATE KEY-----", signs(64), signs(64, 3), signs(20), "-----END PRIVATE KEY-----"].join("\n");

/** Forty kinds, each with the part that must not be seen. */
export const typedSecrets: [kind: string, secret: string][] = [
  ["Anthropic", `sk-ant-api03-${signs(40)}-${signs(10)}`],
  ["OpenAI", `sk-${signs(48)}`],
  ["OpenAI project", `sk-proj-${signs(60)}`],
  ["Stripe live", `sk_live_${signs(24)}`],
  ["Stripe restricted", `rk_live_${signs(24)}`],
  ["Stripe webhook", `whsec_${signs(32)}`],
  ["GitHub personal", `ghp_${signs(36)}`],
  ["GitHub server", `ghs_${signs(36)}`],
  ["GitHub fine-grained", `github_pat_${signs(22)}_${signs(59)}`],
  ["GitLab", `glpat-${signs(20)}`],
  ["Slack bot", `xoxb-${"123456789012"}-${signs(24)}`],
  ["Slack app", `xapp-1-${large(11)}-${signs(40)}`],
  ["Slack webhook", `hooks.slack.com/services/T${large(8)}/B${large(8)}/${signs(24)}`],
  ["Discord bot", `M${signs(23)}.${signs(6)}.${signs(38)}`],
  ["Telegram bot", `123456789:AA${signs(33)}`],
  ["AWS key id", `AKIA${large(16)}`],
  ["AWS temporary key id", `ASIA${large(16)}`],
  ["Google API", `AIza${signs(35)}`],
  ["Google OAuth", `ya29.${signs(60)}`],
  ["Google client", `GOCSPX-${signs(28)}`],
  ["DigitalOcean", `dop_v1_${hex(64)}`],
  ["Supabase", `sbp_${hex(40)}`],
  ["Databricks", `dapi${hex(32)}`],
  ["Vault", `hvs.${signs(90)}`],
  ["Doppler", `dp.pt.${signs(43)}`],
  ["PlanetScale", `pscale_tkn_${signs(43)}`],
  ["npm", `npm_${signs(36)}`],
  ["PyPI", `pypi-${signs(80)}`],
  ["SendGrid", `SG.${signs(22)}.${signs(43)}`],
  ["Mailgun", `key-${hex(32)}`],
  ["Twilio", `SK${hex(32)}`],
  ["Grafana", `glsa_${signs(32)}_${hex(8)}`],
  ["New Relic", `NRAK-${large(27)}`],
  ["Sentry", `sntrys_${signs(60)}`],
  ["Postman", `PMAK-${hex(24)}-${hex(34)}`],
  ["Shopify", `shpat_${hex(32)}`],
  ["Hugging Face", `hf_${signs(34)}`],
  ["Linear", `lin_api_${signs(40)}`],
  ["JWT", jwt],
  ["private key", pem],
];

/** What the configuration may hold. */
export const configured: string[] = Array.from({ length: 40 }, (_, n) =>
  n % 4 === 0
    ? `${signs(6 + n, n)} & "${signs(4, n)}"/+?`
    : n % 4 === 1
      ? hex(8 + n) + signs(3, n)
      : n % 4 === 2
        ? `pässwörd-${n}-${signs(9, n)}`
        : signs(9 + n, n),
);

export const encodings: [name: string, encode: (text: string) => string][] = [
  ["as it is", (text) => text],
  ["base64", (text) => Buffer.from(text).toString("base64")],
  ["base64url", (text) => base64(text)],
  ["hexadecimal", (text) => Buffer.from(text).toString("hex")],
  ["an address", (text) => encodeURIComponent(text)],
  ["JSON", (text) => JSON.stringify(text).slice(1, -1)],
];
