import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../errors/sendense-error.ts';

/** Failures that cost nothing: people mistype. */
const free = 3;
const firstMs = 500;
/** Nobody waits longer: who floods a user's name must not keep that user out. */
const longestMs = 5000;
/** Failures are forgotten after so long, ms. */
const memoryMs = 15 * 60_000;
/** Logins of one name from one address that wait at a time. */
const mostOfName = 8;
/** Logins of one address that wait at a time: all who come through tunnels or a proxy may have the same. */
const mostOfAddress = 64;
const mostKept = 10_000;

/** Slows logins that fail, for the user's name and for the address. It locks nobody out. */
export interface SlowLogins {
  /**
   * Waits as long as a login has to; counts it as failed until `well` says otherwise.
   * @returns how many failed lately from this address @throws SendenseError `node.limited`
   */
  enter(name: string, address: string, signal: AbortSignal): Promise<number>;
  /** The login was good. */
  well(name: string, address: string): void;
}

export function slowLogins(
  wait: (ms: number, signal: AbortSignal) => Promise<unknown> = (ms, signal) => delay(ms, undefined, { signal }),
  now: () => number = () => performance.now(),
): SlowLogins {
  const failures = new Map<string, { count: number; until: number }>();
  const pending = new Map<string, number>();
  const count = (key: string): number => {
    const known = failures.get(key);
    const more = known && known.until > now() ? known.count + 1 : 1;
    failures.delete(key);
    const [oldest] = failures.keys();
    if (failures.size >= mostKept && oldest !== undefined) failures.delete(oldest);
    failures.set(key, { count: more, until: now() + memoryMs });
    return more - 1;
  };
  return {
    async enter(name, from, signal) {
      const address = networkOf(from);
      const mine = [
        { key: `${address} ${name}`, most: mostOfName },
        { key: address, most: mostOfAddress },
      ];
      if (mine.some(({ key, most }) => (pending.get(key) ?? 0) >= most))
        throw new SendenseError('node.limited', 'too many logins of this address wait; try again in 5 s', {
          details: { retrySeconds: 5 },
        });
      for (const { key } of mine) pending.set(key, (pending.get(key) ?? 0) + 1);
      try {
        const here = count(`address ${address}`);
        const before = Math.max(count(`user ${name}`), here);
        if (before >= free) await wait(Math.min(firstMs * 2 ** (before - free), longestMs), signal);
        return here;
      } finally {
        for (const { key } of mine) {
          const left = (pending.get(key) ?? 1) - 1;
          if (left > 0) pending.set(key, left);
          else pending.delete(key);
        }
      }
    },
    well(name, address) {
      failures.delete(`user ${name}`);
      failures.delete(`address ${networkOf(address)}`);
    },
  };
}

/** Whoever has an IPv6 address has 2^64 of them: all of a /64 count as one. An IPv4 address is itself, however it is written. */
export function networkOf(address: string): string {
  const v4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (v4 !== undefined) return v4;
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.replace(/%.*$/, '').split('::');
  const before = head.split(':').filter(Boolean);
  const after = (tail ?? '').split(':').filter(Boolean);
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0');
  const groups = [...before, ...zeros, ...after].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}
