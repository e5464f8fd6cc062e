/**
 * Hosts and programs that end in the middle of a run and come back, and ports that others hold. By default with the built-in server;
 * with `npm run test:all` in each mode.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import type { LinkStatus } from '../../../src/schemas/types.ts';
import type { TestHost } from '../../simulators/network/host.ts';
import { settle, someMoment, whenMoved } from './settle.ts';
import { modes, openSite, patience, type Mode, type SiteNode } from './site.ts';
import { all } from '../../support/rounds.ts';
import { makeVm } from './vm.ts';

const slow = { mib: 12, more: 'limits: { jobRate: 4MiB }\n' };

describe.each<Mode>(all ? modes : ['built-in'])('%s', (mode) => {
  test('the hub reboots in the middle of a run', { timeout: 300_000 }, async () => {
    await using site = await openSite(mode);
    const vm = await makeVm(site, slow);
    let dark: Promise<void> | null = null;
    await vm.watch(whenMoved(someMoment(), () => (dark = site.net.hub.endProcesses())));
    await dark;
    if (mode === 'openssh') await site.sshd?.start();
    await site.hub.start();
    await settle(site, vm, null);
  });

  test('the node reboots in the middle of a run', { timeout: 300_000 }, async () => {
    await using site = await openSite(mode);
    const vm = await makeVm(site, slow);
    let back: Promise<void> | null = null;
    const outcome = await vm.watch(
      whenMoved(someMoment(), () => {
        back = (async () => {
          await site.nodes[0].host.endProcesses();
          if (mode === 'dial-node') await site.sshd?.start();
          await site.nodes[0].service.start();
        })();
      }),
    );
    await back;
    expect(outcome.finished).toMatchObject({ status: 'failed' });
    await settle(site, vm, outcome);
  });

  // In `npm test` the hub that reboots is that server.
  if (mode === 'direct' || !all) return;
  test('the SSH server restarts in the middle of a run', { timeout: 300_000 }, async () => {
    await using site = await openSite(mode);
    const vm = await makeVm(site, slow);
    const server = mode === 'built-in' ? site.hub : site.sshd;
    let back: Promise<void> | undefined;
    const outcome = await vm.watch(whenMoved(someMoment(), () => (back = server?.stop().then(() => server.start()))));
    await back;
    expect([0, 3], JSON.stringify(outcome.finished)).toContain(outcome.exitCode);
    await site.connected();
    await settle(site, vm, outcome);
  });
});

/** Listens on a loopback port there, until its end. */
async function takePort(host: TestHost, port: number): Promise<AsyncDisposable> {
  const script = `require('net').createServer().listen(${port}, '127.0.0.1', () => console.log('up'))`;
  const [file = '', ...args] = [...host.prefix, process.execPath, '-e', script];
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return {
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    },
  };
}

const statusOf = (node: SiteNode): LinkStatus =>
  JSON.parse(readFileSync(join(node.stateDir, 'link/status.json'), 'utf8')) as LinkStatus;

describe('ports that other programs hold', () => {
  test.each<Mode>(all ? ['built-in', 'openssh'] : ['built-in'])(
    '%s: an NBD port on the node and the reverse port on the hub; whoever asks is told who',
    { timeout: 300_000 },
    async (mode) => {
      await using site = await openSite(mode);
      const [node] = site.nodes;
      await node.service.stop();
      {
        await using _holder = await takePort(node.host, 10_105);
        await node.service.start();
        await vi.waitUntil(() => statusOf(node).last_error?.message.includes('port 10105'), patience);
        expect(statusOf(node).last_error).toMatchObject({
          code: 'ssh.forward',
          message: expect.stringMatching(/node .*holds it/) as string,
        });
        const status = await node.call(['status']);
        expect(status.stdout).toContain('10105');
        const doctor = await node.call(['doctor']);
        expect(doctor, doctor.stdout).toMatchObject({
          exitCode: 1,
          stdout: expect.stringMatching(/10105.*node/) as string,
        });
      }
      await site.connected();
      await node.service.stop();
      // The built-in server has a socket in a private folder in place of the port.
      if (mode === 'built-in') await node.service.start();
      else {
        await vi.waitUntil(async () => !(await site.net.hub.run('ss', '-Hltn')).includes(':9081 '), patience);
        await using _holder = await takePort(site.net.hub, 9081);
        await node.service.start();
        await vi.waitUntil(() => statusOf(node).last_error?.message.includes('9081'), patience);
      }
      await site.connected();
      await vi.waitUntil(() => statusOf(node).state === 'up', patience);
    },
  );
});
