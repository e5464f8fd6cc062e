import { BlockList, isIP } from 'node:net';
import type { IncomingHttpHeaders } from 'node:http';
import type { Caller } from '../../api/caller.ts';
import { directly, type CameFrom } from '../../api/came-from.ts';
import { isLoopbackHost } from '../../host/net/loopback.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { Settings } from '../../schemas/types.ts';
import { callerOfGrant } from './granted.ts';
import { grantOfGroups } from './groups.ts';

type ProxySettings = NonNullable<Settings['hub']['proxy']>;
type Asked = Parameters<typeof directly>[0];

/** What a proxy that the settings name says of a request. From anybody else its headers say nothing. */
export interface TrustedProxy {
  cameFrom(request: Asked): CameFrom;
  /** @throws SendenseError `access.proxy` for what came past the proxy from another machine, and can be read on the way */
  assertThrough(request: Asked): void;
  /** Whom the proxy has logged in; undefined: nobody. @throws SendenseError `access.proxy` for a name that is none */
  callerOf(request: Asked): Caller | undefined;
}

/** @throws SendenseError `settings.invalid` */
export function trustedProxy(settings: ProxySettings | undefined): TrustedProxy {
  if (!settings) return { cameFrom: directly, assertThrough: () => {}, callerOf: () => undefined };
  const { header, groupsHeader, groups, vms } = settings;
  const trusted = addressesOf(settings.from);
  const isProxy = (address: string | undefined): boolean => address !== undefined && trusted(address);
  return {
    cameFrom(request) {
      const own = directly(request);
      if (!isProxy(own.peer)) return own;
      const { headers } = request;
      // Whoever asks can write what it wants before what the proxies wrote.
      const last = listOf(headers, 'x-forwarded-for')
        .map(withoutPort)
        .findLast((hop) => !isProxy(hop));
      return {
        // What is no address, such as `unknown`, is nobody's whom we could name.
        peer: last !== undefined && isIP(last) !== 0 ? last : own.peer,
        secure: (listOf(headers, 'x-forwarded-proto').at(-1) ?? (own.secure ? 'https' : 'http')) === 'https',
        host: listOf(headers, 'x-forwarded-host').at(-1) ?? own.host,
      };
    },
    assertThrough(request) {
      const { peer, secure } = directly(request);
      if (secure || peer === undefined || isProxy(peer) || isLoopbackHost(peer.replace(/^::ffff:/i, ''))) return;
      throw new SendenseError('access.proxy', 'the request came past the proxy, and without TLS', {
        remedy:
          'Use the address of the proxy. What you sent could be read on the way: change a password that was in it.',
      });
    },
    callerOf(request) {
      if (header === undefined || !isProxy(request.socket.remoteAddress)) return undefined;
      const name = request.headers[header.toLowerCase()];
      if (name === undefined || name === '') return undefined;
      if (typeof name !== 'string' || !/^[\w.@+-]{1,128}$/.test(name))
        throw new SendenseError('access.proxy', `the proxy says in ${header} what is no name of a user`);
      const has = groupsHeader === undefined ? [] : listOf(request.headers, groupsHeader.toLowerCase());
      const granted = grantOfGroups(has, { groups, vms });
      // Only the proxy knows, and only when it is asked anew.
      const grantedNow = () => granted;
      return callerOfGrant(
        { kind: 'proxy', name: `proxy:${name}`, made: null, isFresh: () => true, grantedNow },
        granted,
      );
    },
  };
}

/** Some proxies write the port, too: `192.0.2.7:4444`, `[2001:db8::7]:4444`. */
const withoutPort = (hop: string): string =>
  /^\[(.*)\](?::\d+)?$/.exec(hop)?.[1] ?? hop.replace(/^([\d.]+):\d+$/, '$1');

function listOf(headers: IncomingHttpHeaders, name: string): string[] {
  const value = headers[name];
  return (typeof value === 'string' ? value : (value ?? []).join(','))
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** @param written addresses and networks: `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32` */
function addressesOf(written: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const one of written) {
    const [address = '', prefix] = one.split('/');
    const family = isIP(address);
    const longest = family === 4 ? 32 : 128;
    const bits = prefix === undefined ? longest : Number(prefix);
    if (family === 0 || !Number.isInteger(bits) || bits < 0 || bits > longest)
      throw new SendenseError('settings.invalid', `hub.proxy.from: ${JSON.stringify(one)} is no address or network`);
    list.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6');
  }
  return (address) => {
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
    const family = isIP(plain);
    return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
  };
}
