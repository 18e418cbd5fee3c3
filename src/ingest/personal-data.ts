import { isIPv6 } from "node:net";
import type { ScrubKind } from "#domain/privacy.ts";

/** Who was affected and where from. What cannot be a person's (private networks, this machine, versions) stays. */

const email = /(?<![\w.+%-])[\w.+%-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,24}(?![\w@])/g;
/** 14 to 19 digits with the first digit of a card: a time in milliseconds is shorter and starts with 1. */
const card = /(?<![\w.-])[2-6]\d(?:[ -]?\d){12,17}(?![\w-]|\.\d)/g;
const iban = /(?<![\w-])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![\w-])/g;
const socialSecurityNumber = /(?<![\w.-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-]|\.\d)/g;
/** Four numbers after a product's name or the word "version" are a version. */
const ipv4 =
  /(?<![\w.-]|(?<![/\w])[A-Z][A-Za-z]{2,30}\/|\b(?:[Vv]ersion|[Rr]elease|[Nn]ext|[Nn]ode|v)[ :=@]{1,2})(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?![\w-]|\.\d)/g;
const ipv6 = /(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:.])/gi;
/** With a country, or as North America writes it; anything looser is an order number. */
const phone =
  /(?<![\w.+-])(?:\+[1-9]\d{0,2}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d(?:[ .-]?\d){6,12}|\(\d{3}\) ?\d{3}[-. ]\d{4}|\d{3}-\d{3}-\d{4}|\d{3}\.\d{3}\.\d{4})(?![\w-]|\.\d)/g;
const homeFolder = /(\/(?:home|Users)\/|[A-Z]:\\{1,2}Users\\{1,2})[^/\\\s:"'()<>[\]]{1,100}/g;

/** In this order: what is longer and surer comes first. */
export const personalData: { kind: ScrubKind; apply(text: string): string }[] = [
  { kind: "emails", apply: (text) => (text.includes("@") ? text.replace(email, "[email]") : text) },
  { kind: "ibans", apply: (text) => text.replace(iban, (found) => (isIban(found) ? "[iban]" : found)) },
  { kind: "cards", apply: (text) => text.replace(card, (digits) => (isCard(digits) ? "[card]" : digits)) },
  { kind: "social_security_numbers", apply: (text) => text.replace(socialSecurityNumber, "[ssn]") },
  { kind: "ip_addresses", apply: withoutAddresses },
  { kind: "phone_numbers", apply: (text) => text.replace(phone, "[phone]") },
  { kind: "home_folders", apply: (text) => text.replace(homeFolder, "$1[user]") },
];

function withoutAddresses(text: string): string {
  return text
    .replace(ipv4, (address, ...parts: string[]) => (isPublic(parts.slice(0, 4).map(Number)) ? "[ip]" : address))
    .replace(ipv6, (address) => (isIPv6(address) && !/^(?:::1?$|fe[89ab]|f[cd])/i.test(address) ? "[ip]" : address));
}

/** Luhn's check digit. */
function isCard(text: string): boolean {
  const digits = [...text.replace(/[ -]/g, "")].map(Number).toReversed();
  const sum = digits.reduce((total, digit, index) => {
    const weighed = index % 2 === 1 ? digit * 2 : digit;
    return total + (weighed > 9 ? weighed - 9 : weighed);
  }, 0);
  return sum % 10 === 0;
}

/** ISO 13616: the first four signs moved to the end, letters as numbers, modulo 97. */
function isIban(text: string): boolean {
  const signs = text.replaceAll(" ", "");
  if (signs.length < 15) return false;
  const turned = signs.slice(4) + signs.slice(0, 4);
  const rest = [...turned].reduce((sum, sign) => {
    const value = Number.parseInt(sign, 36);
    return (sum * (value > 9 ? 100 : 10) + value) % 97;
  }, 0);
  return rest === 1;
}

function isPublic(octets: number[]): boolean {
  const [a = 0, b = 0] = octets;
  if (octets.some((octet) => octet > 255)) return false;
  if (a === 0 || a === 10 || a === 127 || a >= 224) return false;
  if (a === 100 && b >= 64 && b <= 127) return false;
  return !((a === 172 && b >= 16 && b <= 31) || (a === 192 && b === 168) || (a === 169 && b === 254));
}
