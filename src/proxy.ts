import { type NextRequest, NextResponse } from "next/server";
import { renewalFor } from "#renewal.ts";

/** In front of every page and of what pages ask: whoever signed in with an account keeps a sign-in that works. */
export async function proxy(request: NextRequest): Promise<NextResponse> {
  const headers = new Headers(request.headers);
  const renewal = await renewalFor(headers.get("cookie"));
  if (renewal !== undefined) headers.set("cookie", renewal.cookie);
  const response = request.nextUrl.pathname.startsWith("/api/")
    ? NextResponse.next({ request: { headers } })
    : page(request, headers);
  for (const cookie of renewal?.setCookies ?? []) response.headers.append("set-cookie", cookie);
  return response;
}

/** Pages run only scripts that carry this answer's nonce: text that slipped into a page stays text (reliability D19). */
function page(request: NextRequest, headers: Headers): NextResponse {
  const nonce = btoa(crypto.randomUUID());
  const policy = contentSecurityPolicy(nonce);
  headers.set("x-nonce", nonce);
  headers.set("content-security-policy", policy);
  // Pages do not know their own address; who has to sign in first comes back to it.
  headers.set("x-address", `${request.nextUrl.pathname}${request.nextUrl.search}`);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set("content-security-policy", policy);
  return response;
}

function contentSecurityPolicy(nonce: string): string {
  // React's development build evaluates strings; nothing else may.
  const evaluate = process.env.NODE_ENV === "development" ? " 'unsafe-eval'" : "";
  return [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${evaluate}`,
    `style-src 'self' 'nonce-${nonce}'`,
    // Attributes only: where a panel or a bar is placed. They cannot load or run anything.
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "font-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}

export const config = { matcher: ["/", "/sign-in", "/dashboard/:path*", "/api/agent/:path*", "/api/session"] };
