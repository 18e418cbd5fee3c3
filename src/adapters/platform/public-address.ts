import { lookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";

/** Addresses that are no public host: this machine, private and shared networks, link-local with the metadata services. */
const notPublic = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const) {
  notPublic.addSubnet(network, prefix, "ipv4");
}
const publicV6 = new BlockList();
publicV6.addSubnet("2000::", 3, "ipv6");
/** Inside the public range, yet documentation, or carriers of an IPv4 address that would escape the list above. */
const notPublicV6 = new BlockList();
notPublicV6.addSubnet("2001::", 23, "ipv6");
notPublicV6.addSubnet("2001:db8::", 32, "ipv6");
notPublicV6.addSubnet("2002::", 16, "ipv6");
notPublicV6.addSubnet("3fff::", 20, "ipv6");

/** Whether `address` (an IP literal, without brackets) is one that anyone on the Internet could mean (reliability D20). */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !notPublic.check(address, "ipv4");
    case 6:
      return publicV6.check(address, "ipv6") && !notPublicV6.check(address, "ipv6");
    default:
      return false;
  }
}

export const privateAddressCode = "EPRIVATE";

/**
 * Looks a name up and refuses it when one of its addresses is not public. The connection is made to the very
 * addresses that were checked, so a name that changes its mind in between gains nothing.
 */
export const lookupPublic: LookupFunction = (name, options, callback) => {
  lookup(name, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, []);
    if (addresses.length === 0 || !addresses.every(({ address }) => isPublicAddress(address))) {
      return callback(Object.assign(new Error("not a public address"), { code: privateAddressCode }), []);
    }
    const [first] = addresses;
    if (options.all === true || first === undefined) return callback(null, addresses);
    callback(null, first.address, first.family);
  });
};

/** Networks in which an operator may run what he watches: this machine and private ones. */
const privateNetworks = new BlockList();
privateNetworks.addSubnet("127.0.0.0", 8, "ipv4");
privateNetworks.addSubnet("10.0.0.0", 8, "ipv4");
privateNetworks.addSubnet("172.16.0.0", 12, "ipv4");
privateNetworks.addSubnet("192.168.0.0", 16, "ipv4");
privateNetworks.addAddress("::1", "ipv6");
privateNetworks.addSubnet("fc00::", 7, "ipv6");
/** Inside them, yet where clouds hand out credentials: never asked, whoever wrote the address. */
const metadataServices = new BlockList();
metadataServices.addAddress("fd00:ec2::254", "ipv6");
metadataServices.addAddress("fd20:ce::254", "ipv6");

/**
 * Whether an address names a private host outright: `localhost`, or a private IP address written in numbers. A name
 * that merely resolves to one does not count: whoever runs its DNS could point it elsewhere.
 */
export function namesPrivateHost(address: string): boolean {
  const host = URL.parse(address)?.hostname.replace(/^\[|\]$/g, "") ?? "";
  const version = isIP(host) === 4 ? "ipv4" : "ipv6";
  if (isIP(host) === 0) return host === "localhost";
  return privateNetworks.check(host, version) && !metadataServices.check(host, version);
}
