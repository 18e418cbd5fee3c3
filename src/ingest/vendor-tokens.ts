/** Tokens that tell who issued them: their shapes are public, and made to be found. */

/** Beginnings are exact; lengths are bounded, so that a hostile text costs one pass. */
const shapes = [
  // Anthropic, OpenAI and others with `sk-`; Stripe and Clerk with `sk_`, `rk_`, `pk_`, `whsec_`.
  "sk-ant-[\\w-]{8,300}",
  "sk-[A-Za-z0-9][\\w-]{18,300}",
  "(?:[spr]k|whsec)_(?:live_|test_)?[A-Za-z0-9]{12,300}",
  "(?:gsk|xai|pplx|hf|r8|re|nfp|napi|lin_api|ntn|fm2|vcp|vck)[_-](?=[\\w-]{0,30}\\d)[\\w-]{16,300}",
  // GitHub, GitLab, Bitbucket and Atlassian.
  "gh[pousr]_\\w{16,300}",
  "github_pat_\\w{20,300}",
  "gl(?:pat|dt|rt|ptt|soat|cbt|ft|oas)-[\\w-]{16,100}",
  "AT(?:ATT|CTT|BB)[\\w=+/-]{20,400}",
  // Slack, Discord, Telegram.
  "xox[a-z]-[\\w-]{8,300}",
  "xapp-[\\w-]{8,300}",
  "[MNO][\\w-]{23,27}\\.[\\w-]{6}\\.[\\w-]{27,45}",
  "\\d{8,10}:AA[\\w-]{32,36}",
  // Clouds.
  "A(?:KIA|SIA|BIA|CCA)[0-9A-Z]{16}",
  "AIza[\\w-]{30,60}",
  "ya29\\.[\\w-]{20,400}",
  "GOCSPX-[\\w-]{20,60}",
  "do[opr]_v1_[a-f0-9]{40,80}",
  "sb[ps]_[A-Za-z0-9_-]{30,120}",
  "dapi[a-f0-9]{32}(?:-\\d)?",
  "hv[sbr]\\.[\\w-]{20,300}",
  "dp\\.(?:pt|st|ct|sa)\\.[\\w.-]{30,100}",
  "pscale_(?:tkn|pw|oauth)_[\\w.=-]{20,100}",
  // Packages, mail, monitoring, shops and the rest.
  "npm_[A-Za-z0-9]{30,60}",
  "pypi-[\\w-]{50,400}",
  "SG\\.[\\w-]{16,100}\\.[\\w-]{16,100}",
  "key-[a-f0-9]{32}",
  "S[KC][a-f0-9]{32}",
  "gl(?:c|sa)_[A-Za-z0-9+/=_]{20,300}",
  "NRAK-[A-Z0-9]{20,60}",
  "sntry[su]_[\\w=+/-]{20,400}",
  "PMAK-[a-f0-9]{24}-[a-f0-9]{34}",
  "pat[A-Za-z0-9]{14}\\.[a-f0-9]{64}",
  "shp(?:at|ss|ca|pa)_[a-fA-F0-9]{32}",
  "sq0(?:atp|csp)-[\\w-]{20,60}",
  "sl\\.[\\w-]{60,300}",
  "AGE-SECRET-KEY-[0-9A-Z]{20,80}",
];
const vendorToken = new RegExp(`(?<![\\w-])(?:${shapes.join("|")})(?![\\w-])`, "g");
/** Mapbox prefixes a JWT-like body; anything else with three parts of base64 that begins with `{"` is a JWT. */
const jwt = /(?<![\w-])(?:[sp]k\.)?eyJ[\w-]{5,4000}\.[\w-]{2,8000}(?:\.[\w-]{0,4000}){0,3}/g;
const hook =
  /(?<![\w.-])(hooks\.slack\.com\/(?:services|workflows|triggers)\/|discord(?:app)?\.com\/api\/webhooks\/)[\w/-]{1,200}/g;

export function withoutTokens(text: string, mark: string): string {
  return text.replace(jwt, mark).replace(hook, `$1${mark}`).replace(vendorToken, mark);
}

/**
 * From the first line of a private key to its last; one without an end is taken out to the end of the text. In source
 * code the number of lines stays.
 */
export function withoutPrivateKeys(text: string, mark: string, keepsLines = false): string {
  if (!text.includes("-----BEGIN")) return text;
  const begin = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
  const end = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
  let kept = "";
  let from = 0;
  for (let match = begin.exec(text); match !== null; match = begin.exec(text)) {
    end.lastIndex = begin.lastIndex;
    const isWhole = end.exec(text) !== null;
    const until = isWhole ? end.lastIndex : text.length;
    const lines = keepsLines ? text.slice(match.index, until).split("\n").length - 1 : 0;
    kept += text.slice(from, match.index) + mark + "\n".repeat(lines);
    from = until;
    if (!isWhole) return kept;
    begin.lastIndex = from;
  }
  return kept + text.slice(from);
}
