import { addInterface, hostNames, layCable, makeHost, type TestHost } from './host.ts';
import { layLine, type Line } from './line.ts';

/**
 * A hub, a line that can be bad or cut, and a router with nodes behind it:
 *
 *     hub 192.0.2.1 ──line── 192.0.2.254 router 10.77.0.254 ──┬── node 10.77.0.1
 *                                                             └── node 10.77.0.2 …
 *
 * The hub has no route to the nodes, and sees the router's address when they connect.
 */
export interface BehindNat extends AsyncDisposable {
  readonly hub: TestHost;
  readonly router: TestHost;
  readonly nodes: readonly [TestHost, ...TestHost[]];
  readonly line: Line;
}

export interface BehindNatOptions {
  /** How many; default 1. */
  readonly nodes?: number;
  /** Ports of the router's outer address that lead to the first node, as an administrator opens them. */
  readonly opened?: readonly number[];
}

/** Needs root. All of it is gone at the end of the block, with the processes that still run there. */
export async function behindNat({ nodes: count = 1, opened = [] }: BehindNatOptions = {}): Promise<BehindNat> {
  await using stack = new AsyncDisposableStack();
  const named = hostNames();
  const hub = stack.use(await makeHost(named('hub'), '192.0.2.1'));
  const router = stack.use(await makeHost(named('router'), '192.0.2.254'));
  const line = stack.use(await layLine(hub, router, 'eth0'));
  await addInterface(hub, 'eth0');
  await addInterface(router, 'eth0');
  await router.run('ip', 'link', 'add', 'br0', 'type', 'bridge');
  await addInterface({ ...router, address: '10.77.0.254' }, 'br0');
  const nodes: TestHost[] = [];
  for (let number = 1; number <= count; number++) {
    const node = stack.use(await makeHost(named(`node${number}`), `10.77.0.${number}`));
    await layCable(node, 'eth0', router, `node${number}`);
    await router.run('ip', 'link', 'set', `node${number}`, 'master', 'br0', 'up');
    await addInterface(node, 'eth0', '10.77.0.254');
    nodes.push(node);
  }
  await router.run('sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward');
  await router.run('nft', natRules(opened));
  const made = stack.move();
  return { hub, router, nodes: nodes as [TestHost], line, [Symbol.asyncDispose]: () => made.disposeAsync() };
}

const natRules = (opened: readonly number[]): string => `
table ip nat {
  chain inward {
    type nat hook prerouting priority dstnat;
    ${opened.map((port) => `iifname eth0 tcp dport ${port} dnat to 10.77.0.1`).join('\n    ')}
  }
  chain outward {
    type nat hook postrouting priority srcnat;
    oifname eth0 masquerade
  }
}
table ip filter {
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    iifname br0 accept
    ct status dnat accept
  }
}`;
