import { addInterface, hostNames, layCable, makeHost, type TestHost } from './host.ts';

export type { TestHost } from './host.ts';

/** Two hosts and a cable; nothing of it can be seen from elsewhere, so tests need not agree on addresses or ports. */
export interface TwoHosts extends AsyncDisposable {
  readonly hub: TestHost;
  readonly node: TestHost;
}

/** Needs root. All of it is gone at the end of the block, with the processes that still run there. */
export async function twoHosts(): Promise<TwoHosts> {
  await using stack = new AsyncDisposableStack();
  const named = hostNames();
  const hub = stack.use(await makeHost(named('hub'), '10.77.0.1'));
  const node = stack.use(await makeHost(named('node'), '10.77.0.2'));
  await layCable(hub, 'eth0', node, 'eth0');
  for (const host of [hub, node]) await addInterface(host, 'eth0');
  const made = stack.move();
  return { hub, node, [Symbol.asyncDispose]: () => made.disposeAsync() };
}
