import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';

/** Services of cloud providers at public addresses that answer to the machines inside alone. */
const INSIDE: ReadonlySet<string> = new Set(['168.63.129.16']);
/** What the internet routes of IPv6. Outside of it lie mapped and translated addresses, the ways around a list of IPv4. */
const GLOBAL_UNICAST = ipaddr.parseCIDR('2000::/3');

/**
 * Whether an address is one of the public internet: not of this machine, not of a private network, of a provider's inside or of
 * any range that stands for other addresses (mapped and translated IPv4, NAT64, 6to4, Teredo), multicast or reserved. Only
 * what is known to be public counts.
 * @param address IPv4 or IPv6 as `dns.lookup` gives it
 */
export function isPublicAddress(address: string): boolean {
  // Stricter than the library, which reads 1.2.3 as 1.2.0.3.
  if (isIP(address) === 0) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast') return false;
  if (parsed.kind() === 'ipv6' && !parsed.match(GLOBAL_UNICAST)) return false;
  const text = parsed.toString();
  return !INSIDE.has(text) && !isOwn(text);
}

/** Whether one of this machine's interfaces has the address: it may listen there for neighbours alone. */
function isOwn(address: string): boolean {
  return Object.values(networkInterfaces()).some((each) =>
    each?.some((own) => ipaddr.isValid(own.address) && ipaddr.parse(own.address).toString() === address),
  );
}
