import { z } from "zod";
import type { ErrorEvent, TrafficReport } from "./event.ts";

/** What is taken out of every text at the door; each kind can be switched off in the settings. Configured secrets always go. */
export const ScrubKind = z.enum([
  "private_keys",
  "tokens",
  "url_credentials",
  "authorization",
  "cookies",
  "assignments",
  "query_secrets",
  "emails",
  "cards",
  "ibans",
  "social_security_numbers",
  "ip_addresses",
  "phone_numbers",
  "home_folders",
]);
export type ScrubKind = z.infer<typeof ScrubKind>;

/** Scrubs whole events: the one place that knows every text of an event. */
export interface EventScrubber {
  /** What grouping and titles are made of, scrubbed; the rest as it came. Every event of a storm passes here. */
  heading(event: ErrorEvent): ErrorEvent;
  /** All of it. Never throws: of an event that cannot be scrubbed only type, places and numbers are left. */
  whole(event: ErrorEvent): ErrorEvent;
  traffic(report: TrafficReport): TrafficReport;
  /** Any other text about an event. */
  text(text: string): string;
}
