import { type AuthError, isAuthApiError, isAuthRetryableFetchError } from "@supabase/supabase-js";
import { Failure, type FailureCode } from "#domain/failure.ts";

const sentences: Record<string, [FailureCode, string, string?]> = {
  invalid_credentials: ["unauthorized", "That address and that password do not belong together."],
  email_not_confirmed: [
    "unauthorized",
    "This address is not confirmed yet.",
    "Open the link in the mail from Supabase.",
  ],
  user_banned: ["forbidden", "This account is blocked."],
  over_request_rate_limit: ["rate_limited", "Too many attempts.", "Wait a few minutes."],
  over_email_send_rate_limit: [
    "rate_limited",
    "Supabase sends no more mails for now.",
    "Wait a while, or sign in with the password.",
  ],
  otp_expired: ["unauthorized", "This link has expired or was used before.", "Ask for a new one."],
  flow_state_expired: ["unauthorized", "This link has expired or was used before.", "Ask for a new one."],
  flow_state_not_found: ["unauthorized", "This link has expired or was used before.", "Ask for a new one."],
  bad_code_verifier: [
    "unauthorized",
    "Another browser began this sign-in.",
    "Open the link in the browser that asked for it.",
  ],
  pkce_code_verifier_not_found: [
    "unauthorized",
    "Another browser began this sign-in.",
    "Open the link in the browser that asked for it.",
  ],
  email_provider_disabled: [
    "misconfigured",
    "Signing in by e-mail is switched off in Supabase.",
    "Authentication → Sign In / Providers → Email.",
  ],
  provider_disabled: [
    "misconfigured",
    "This way to sign in is switched off in Supabase.",
    "Authentication → Sign In / Providers.",
  ],
  captcha_failed: [
    "misconfigured",
    "Supabase asks for a captcha, which this page does not have.",
    "Authentication → Attack Protection.",
  ],
  email_address_invalid: ["invalid", "This is no e-mail address."],
  validation_failed: ["invalid", "Supabase Auth does not take this.", "Check the address and the way to sign in."],
};

/** What an error of Supabase Auth means, in our words. Its own text goes no further than the log. */
export function refusalOf(error: AuthError): Failure {
  const [code, message, hint] = sentenceOf(error);
  return new Failure(code, message, { cause: error, ...(hint === undefined ? {} : { hint }) });
}

function sentenceOf(error: AuthError): [FailureCode, string, string?] {
  const known = error.code === undefined ? undefined : sentences[error.code];
  if (known !== undefined) return known;
  if (error.name === "AuthPKCECodeVerifierMissingError")
    return sentences.bad_code_verifier as [FailureCode, string, string];
  if (isAuthRetryableFetchError(error))
    return ["unavailable", "Supabase Auth does not answer.", "Try again in a moment."];
  if (error.status === 429) return ["rate_limited", "Too many attempts.", "Wait a few minutes."];
  // A project's gateway refuses a wrong key before Auth sees the request, without a code of Auth's.
  if (isAuthApiError(error) && error.status === 401 && error.code === undefined) {
    return [
      "misconfigured",
      "Supabase refused the key.",
      "Check NEXT_PUBLIC_SUPABASE_URL and NEXT_PUBLIC_SUPABASE_ANON_KEY.",
    ];
  }
  if (isAuthApiError(error) && error.status < 500) return ["unauthorized", "Supabase Auth refused this sign-in."];
  return ["unavailable", "Supabase Auth does not answer.", "Try again in a moment."];
}
