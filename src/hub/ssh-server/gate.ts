import { isIPv6 } from 'node:net';

/** Limits for those who have not proven who they are. */
export const gateLimits = {
  /**
   * Connections that are not logged in yet; one more ends the oldest of them. After a restart each node makes
   * five, and many nodes can have one address.
   */
  pending: 200,
  pendingPerAddress: 60,
  /** ms for keys and login. */
  loginMs: 15_000,
  /** Connections that failed to log in, from one address, in `failureWindowMs`. */
  failures: 20,
  failureWindowMs: 60_000,
  /** Connections that an address with so many failures may still try in that time, each with one key: nodes may share it with whoever fails. */
  onProbation: 150,
};

/** Somebody who is not logged in. */
export interface Pending {
  readonly address: string;
  end(reason: 'overload'): void;
}

/** `probation`: its address failed too often, so that its first wrong key ends the connection. `closed`: it may not even try. */
export type Admission = 'open' | 'probation' | 'closed';

/** Who may try to log in. Addresses are counted, IPv6 by their /64. */
export interface Gate {
  /** Where too many wait, the oldest is ended: those who mean it are quick. */
  enter(pending: Pending): Admission;
  /** Logged in or gone. */
  leave(pending: Pending): void;
  failed(address: string): void;
}

export function openGate(limits: typeof gateLimits = gateLimits, now: () => number = () => performance.now()): Gate {
  const waiting = new Set<Pending>();
  const failures = new Map<string, number[]>();
  const probations = new Map<string, number[]>();

  const recent = (times: Map<string, number[]>, key: string): number[] => {
    const kept = (times.get(key) ?? []).filter((time) => now() - time < limits.failureWindowMs);
    if (kept.length === 0) times.delete(key);
    else times.set(key, kept);
    return kept;
  };
  const note = (times: Map<string, number[]>, key: string, most: number): void => {
    // Forgets old addresses now and then, so that a flood from many leaves nothing behind.
    if (times.size > 10_000) for (const known of times.keys()) recent(times, known);
    times.set(key, [...recent(times, key), now()].slice(-most));
  };
  const makeRoom = (among: readonly Pending[], limit: number): void => {
    for (const pending of among.slice(0, Math.max(0, among.length - limit + 1))) {
      waiting.delete(pending);
      pending.end('overload');
    }
  };

  return {
    enter: (pending) => {
      const key = groupOf(pending.address);
      const trusted = recent(failures, key).length < limits.failures;
      if (!trusted) {
        if (recent(probations, key).length >= limits.onProbation) return 'closed';
        note(probations, key, limits.onProbation);
      }
      makeRoom(
        [...waiting].filter(({ address }) => groupOf(address) === key),
        limits.pendingPerAddress,
      );
      makeRoom([...waiting], limits.pending);
      waiting.add(pending);
      return trusted ? 'open' : 'probation';
    },
    leave: (pending) => void waiting.delete(pending),
    failed: (address) => note(failures, groupOf(address), limits.failures),
  };
}

/** Whose attempts count together: an IPv4 address, or the /64 of an IPv6 one. */
export function groupOf(address: string): string {
  const v4 = /^::ffff:([0-9.]+)$/.exec(address)?.[1];
  if (v4 !== undefined) return v4;
  return isIPv6(address) ? expand(address).slice(0, 4).join(':') : address;
}

/** The eight groups of an IPv6 address. */
function expand(address: string): string[] {
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array.from({ length: zeros }, () => '0'), ...after];
}
