import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';

/** At which hosts the disks of a hub may be. */
export interface HostRule {
  /** The address that the request came from; null over a Unix socket. */
  readonly peer: string | null;
  /** Names and addresses that this node knows by itself: `nbd: hosts` of node.yaml, and the hub of its enrolment. */
  known(): Promise<readonly string[]>;
}

/** Why it is not allowed, and what can be done. */
export interface RefusedHost {
  readonly problem: string;
  readonly remedy: string;
}

export type AllowedAddress = { readonly address: string } | RefusedHost;

/**
 * The address to connect to for a host that a caller named: a loopback address, the caller's own, or one that the node knows. Whoever connects
 * takes this address and asks for no name again: the answer could be another one by then.
 * @param resolve the addresses of a name, or the address itself; none where the name is not known
 */
export async function allowedAddress(
  host: string,
  rule: HostRule,
  resolve: Resolve = addressesOf,
): Promise<AllowedAddress> {
  const found = await resolve(host);
  if (found.length === 0)
    return {
      problem: `the name ${host} is not known here`,
      remedy: 'Correct the name, or the DNS servers of the node.',
    };
  const near = listOf(rule.peer === null ? [] : [rule.peer]);
  near.addSubnet('127.0.0.0', 8);
  near.addAddress('::1', 'ipv6');
  const [first] = found.filter((address) => isIn(near, address));
  if (first !== undefined) return { address: first };
  const known = await rule.known();
  // A name that the node knows is looked up once: two answers could differ.
  if (known.some((name) => bare(name) === bare(host)) && found[0] !== undefined) return { address: found[0] };
  const allowed = listOf((await Promise.all(known.map(resolve))).flat());
  const [listed] = found.filter((address) => isIn(allowed, address));
  if (listed !== undefined) return { address: listed };
  return refused(host, rule.peer, found);
}

export type Resolve = (host: string) => Promise<readonly string[]>;

const bare = (name: string): string => name.toLowerCase().replace(/\.$/, '');

/** IPv4 first: the hub listens at one address, or at all that it has. */
async function addressesOf(host: string): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  const found = await lookup(host, { all: true, order: 'ipv4first' }).catch(() => []);
  return found.map(({ address }) => address);
}

/** As the kernel tells a peer that came by IPv4 to a socket of both families; without the zone of a link. */
const plain = (address: string): string => address.replace(/^::ffff:(?=[0-9.]+$)/i, '').replace(/%.*$/, '');

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

function listOf(addresses: readonly string[]): BlockList {
  const list = new BlockList();
  for (const address of addresses.map(plain)) if (isIP(address) !== 0) list.addAddress(address, familyOf(address));
  return list;
}

const isIn = (list: BlockList, address: string): boolean => list.check(plain(address), familyOf(plain(address)));

function refused(host: string, peer: string | null, found: readonly string[]): RefusedHost {
  const what = isIP(host) === 0 ? `${host} (${found.join(', ')})` : host;
  const near = peer === null ? 'a loopback address' : `a loopback address, nor the one that asks (${peer})`;
  return {
    problem: `${what} is not ${near}, and node.yaml does not allow it`,
    remedy: `If your hub serves disks there, write \`nbd: { hosts: ['${host}'] }\` into node.yaml on the node, and restart the node.`,
  };
}
