import { randomInt } from 'node:crypto';
import { isPortFree } from '../../src/host/net/port-probe.ts';

/** Below the ephemeral range, from which the kernel gives the ports of outgoing connections, and above those of the product. */
const range = { first: 11_000, last: 32_000 };
/** Test files that run at once have ports of their own: what one has found free, the others must not take. */
const workers = 8;
const share = (range.last - range.first) / workers;
const first = range.first + (Number(process.env['VITEST_POOL_ID'] ?? 0) % workers) * share;

/** Another run of the tests on this machine begins elsewhere. */
let next = randomInt(share);

/** The first of so many ports in a row that no other test is given meanwhile. Other programs may have them. */
export function ownPorts(count: number): number {
  if (next + count > share) next = 0;
  const from = first + next;
  next += count;
  return from;
}

/** Ports of the loopback address that are free now, in a row. */
export async function freePorts(count = 1): Promise<number[]> {
  for (;;) {
    const from = ownPorts(count);
    const ports = Array.from({ length: count }, (_, index) => from + index);
    const free = await Promise.all(ports.map((port) => isPortFree(port)));
    if (!free.includes(false)) return ports;
  }
}

export const freePort = async (): Promise<number> => (await freePorts(1))[0]!;
