import { describe, expect, it } from "vitest";
import { isPublicAddress } from "#adapters/platform/public-address.ts";

describe("a public address (reliability D20)", () => {
  it.each(["1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.0", "100.128.0.1", "2606:4700:4700::1111", "2a00::1"])(
    "%s is one",
    (address) => expect(isPublicAddress(address)).toBe(true),
  );

  it.each([
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "fe80::1",
    "fd12::1",
    "ff02::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "localhost",
    "",
    "1.1.1",
  ])("%j is none", (address) => expect(isPublicAddress(address)).toBe(false));
});
