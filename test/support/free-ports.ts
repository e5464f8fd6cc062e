import { isPortFree } from '../../src/host/port-probe.ts';

/** Below the ephemeral range, from which the kernel gives the ports of outgoing connections, and above those of the product. */
const range = { first: 20_000, last: 32_000 };
/** Of two test files that run at once each has ports of its own: what one has found free, the other must not take. */
const half = (range.last - range.first) / 2;
const first = range.first + (Number(process.env['VITEST_POOL_ID'] ?? 0) % 2) * half;
const last = first + half;

/** Ports of the loopback address that are free now, in a row. */
export async function freePorts(count = 1): Promise<number[]> {
  for (;;) {
    const from = first + Math.floor(Math.random() * (last - first - count));
    const ports = Array.from({ length: count }, (_, index) => from + index);
    const free = await Promise.all(ports.map((port) => isPortFree(port)));
    if (!free.includes(false)) return ports;
  }
}

export const freePort = async (): Promise<number> => (await freePorts(1))[0]!;
