/** What the other tests of this folder stand on: `test/simulators/network`. */
import { execa } from 'execa';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { behindNat } from '../../simulators/network/behind-nat.ts';
import type { TestHost } from '../../simulators/network/host.ts';
import { startService, type Service } from './service.ts';

/** Answers each connection with the address that it comes from. */
const mirror = (host: TestHost, port: number): Promise<Service> =>
  startService({
    host,
    argv: [
      process.execPath,
      '-e',
      `require('net').createServer((socket) => socket.end(socket.remoteAddress)).listen(${port}, '0.0.0.0', () => console.log('up'))`,
    ],
    cwd: '/',
    ready: /up/,
  });

/** Milliseconds until the answer is there, and the answer; or how it failed. */
async function ask(host: TestHost, address: string, port: number): Promise<{ said: string; ms: number }> {
  const script = `const started = performance.now(); let said = '';
    require('net').connect({ host: '${address}', port: ${port}, timeout: 1500 })
      .on('data', (bytes) => (said += bytes)).on('error', (error) => (said = error.code))
      .on('timeout', function () { said = 'silence'; this.destroy(); })
      .on('close', () => console.log(JSON.stringify({ said, ms: performance.now() - started })))`;
  return JSON.parse(await host.run(process.execPath, '-e', script)) as { said: string; ms: number };
}

test('nodes are behind NAT, and the line is as slow as it is told to be', { timeout: 300_000 }, async () => {
  await using net = await behindNat({ nodes: 2, opened: [22] });
  const { hub, router, nodes, line } = net;
  const [first, second] = nodes as unknown as [TestHost, TestHost];
  await using _hub = await mirror(hub, 443);
  await using _first = await mirror(first, 22);
  expect(await ask(second, hub.address, 443)).toMatchObject({ said: router.address });
  expect(await ask(second, first.address, 22)).toMatchObject({ said: second.address });
  expect(await ask(hub, first.address, 22)).toMatchObject({ said: 'ENETUNREACH' });
  expect(await ask(hub, router.address, 22)).toMatchObject({ said: hub.address });
  await line.set({ rttMs: 200 });
  // One round trip for the connection, one for the answer.
  expect((await ask(first, hub.address, 443)).ms).toBeGreaterThan(400 - 20);
  await line.cut();
  expect(await ask(first, hub.address, 443)).toMatchObject({ said: 'silence' });
  await line.restore();
  await line.set({});
  expect(await ask(first, hub.address, 443)).toMatchObject({ said: router.address });
});

test('what a killed test leaves goes with the next one', { timeout: 300_000 }, async () => {
  const module = join(import.meta.dirname, '../../simulators/network/behind-nat.ts');
  const script = `const { behindNat } = await import(${JSON.stringify(module)});
    const net = await behindNat();
    (await import('node:child_process')).spawn(net.hub.prefix[0], [...net.hub.prefix.slice(1), 'sleep', '600'], { stdio: 'ignore' });
    console.log(net.hub.namespace);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  const mark = said.toString().trim().replace(/hub$/, '');
  expect((await execa('ip', ['netns', 'list'])).stdout).toContain(mark);
  await using _next = await behindNat();
  expect((await execa('ip', ['netns', 'list'])).stdout).not.toContain(mark);
});
