import { randomUUID } from 'node:crypto';
import { addInterface, hostNames, makeHost, type TestHost } from '../../simulators/network/host.ts';
import { layLine } from '../../simulators/network/line.ts';
import { twoHosts } from '../../simulators/network/two-hosts.ts';

/** Where hub and node are, and what lies between them. */
export interface BenchLine extends AsyncDisposable {
  readonly hub: TestHost;
  readonly node: TestHost;
  /** Of the hub, as the node reaches it. */
  readonly address: string;
}

export interface LineKind {
  readonly id: string;
  readonly name: string;
  /** What it can carry, MB/s; null: as much as the processors can. */
  readonly most: number | null;
  /** How much more is sent over it than over the slowest. */
  readonly times: number;
  lay(): Promise<BenchLine>;
}

/** Payload of TCP in full frames of 1514 bytes with time stamps. */
const gigabit = (1e9 / 8 / 1e6) * (1448 / 1514);

/** One Gbit/s by the kernel's token bucket at both ends; what `tc` lacks on this kernel, the delay, by test/simulators/network. */
export const lineKinds: readonly [LineKind, ...LineKind[]] = [
  { id: 'loopback', name: 'loopback', most: null, times: 4, lay: layLoopback },
  { id: 'gigabit', name: '1 Gbit/s', most: gigabit, times: 1, lay: layGigabit },
  { id: 'long', name: '1 Gbit/s, 50 ms there and back', most: gigabit, times: 1, lay: layLongLine },
];

async function layLoopback(): Promise<BenchLine> {
  const name = hostNames()(`both-${randomUUID().slice(0, 4)}`);
  const host = await makeHost(name, '127.0.0.1');
  return { hub: host, node: host, address: '127.0.0.1', [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() };
}

async function layGigabit(): Promise<BenchLine> {
  await using stack = new AsyncDisposableStack();
  const { hub, node } = stack.use(await twoHosts());
  for (const host of [hub, node])
    await host.run('tc', ...'qdisc add dev eth0 root tbf rate 1gbit burst 256kb latency 50ms'.split(' '));
  const made = stack.move();
  return { hub, node, address: hub.address, [Symbol.asyncDispose]: () => made.disposeAsync() };
}

async function layLongLine(): Promise<BenchLine> {
  await using stack = new AsyncDisposableStack();
  const named = hostNames();
  const hub = stack.use(await makeHost(named('hub'), '10.77.0.1'));
  const node = stack.use(await makeHost(named('node'), '10.77.0.2'));
  const line = stack.use(await layLine(hub, node, 'eth0'));
  for (const host of [hub, node]) await addInterface(host, 'eth0');
  await line.set({ rttMs: 50, mbitPerSecond: 1000 });
  const made = stack.move();
  return { hub, node, address: hub.address, [Symbol.asyncDispose]: () => made.disposeAsync() };
}
