import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { jobFolderIn, readClient, readStatus } from '../../src/node/jobs/job-folder.ts';
import type { RunningNode } from '../../src/node/start-node.ts';
import { connectVsphere } from '../../src/node/vsphere/connect.ts';
import { optionalText } from '../../src/node/vsphere/xml.ts';
import { processesOf, until } from '../node/support.ts';
import { expectEqual, farNode, inTheMiddle, type FarNode } from './far-node.ts';
import { leftovers } from './nothing-left.ts';
import { MiB, type VsphereWorkspace } from './vsphere-workspace.ts';
import { program } from './workspace.ts';
import { printedRandom, randomBytes } from '../support/random.ts';
import { rounds } from '../support/rounds.ts';

const timeout = 600_000;

/** A job at the node whose VM is made, by the second disk of which nothing has come yet. */
const secondDisk = ({ stateDir }: FarNode): Promise<string> =>
  until(async () => {
    for (const id of readdirSync(join(stateDir, 'jobs'))) {
      const status = await readStatus(jobFolderIn(stateDir, id)).catch(() => null);
      if (status?.restored_vm && status.disks[0]?.phase === 'done' && status.finished === null) return id;
    }
    return null;
  }, 'the first disk is copied');

/** A node that is started anew, however long that takes here, while its client stands still in the middle of a disk. */
async function restarted(far: FarNode, node: RunningNode, client: number): Promise<RunningNode> {
  process.kill(client, 'SIGSTOP');
  await node.close();
  return await far.start();
}

test('a node elsewhere gets the disks at ports, with the key of the run', { timeout }, async () => {
  await using far = await farNode();
  await using _node = await far.start();
  const done = await far.call('one', '--power-on');
  expect(done, done.stderr).toMatchObject({ exitCode: 0 });
  await expectEqual(far, 'one');
  expect(await far.at.work.call(['recover'])).toMatchObject({ exitCode: 0 });
  await vi.waitFor(() => expect(leftovers(far.at.work.folder)).toEqual([]), { timeout: 200_000 });
});

test(
  'kill -9 of client, hub and node in the second disk: the first one is never copied again',
  { timeout },
  async () => {
    await using far = await farNode();
    const { at, stateDir } = far;
    let node = await far.start();
    const name = 'killed';
    for (const victim of ['client', 'hub', 'node'] as const) {
      await at.vcenter.vddkFault({ 'slow-ms': 400 });
      const hub = far.restore(name);
      const ended = once(hub, 'exit');
      const job = await secondDisk(far);
      if (victim === 'hub') hub.kill('SIGKILL');
      else {
        const client = (await readClient(jobFolderIn(stateDir, job)))?.pid ?? 0;
        if (victim === 'node') node = await restarted(far, node, client);
        process.kill(client, 'SIGKILL');
      }
      await ended;
      await at.vcenter.vddkFault();
      const recovered = await at.work.call(['recover']);
      expect(recovered, recovered.stderr).toMatchObject({ exitCode: 0 });
      if (victim === 'hub') expect(recovered.stdout).toContain(`the VM ${name} stays in vSphere`);
      expect((await at.vcenter.findVm(name))?.disks).toHaveLength(2);
    }
    const before = await at.vcenter.writes();
    const done = await far.call(name);
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });
    expect(new Set((await at.vcenter.writes()).slice(before.length).map(({ disk }) => disk)).size).toBe(1);
    await expectEqual(far, name);
    await node.close();
    await vi.waitFor(() => expect(leftovers(at.work.folder)).toEqual([]), { timeout: 200_000 });
  },
);

test(
  'in place: kill -9 of client, hub, node and of what serves the disks in the middle; the same command completes it',
  { timeout },
  async () => {
    await using far = await farNode();
    const { at, vm, stateDir } = far;
    await vm.power('off');
    const truth = await Promise.all(vm.disks.map(({ flatFile }) => readFile(flatFile)));
    const words = ['restore', 'pgtest1', '--to', 'vsphere:test-vcenter', '--in-place', '--node', 'esx'];
    let node = await far.start();
    for (const victim of ['client', 'hub', 'node', 'server'] as const) {
      await vm.write(0, 0, randomBytes(3 * MiB));
      await at.vcenter.vddkFault({ 'slow-ms': 500 });
      const hub = spawn(process.execPath, [program, ...words, '--no-safety-backup'], {
        cwd: at.work.folder,
        stdio: 'ignore',
      });
      const ended = once(hub, 'exit');
      const job = await inTheMiddle(far);
      if (victim === 'hub') hub.kill('SIGKILL');
      else if (victim === 'server') {
        for (const { pid, argv } of processesOf(at.work.folder))
          if (argv[0]?.endsWith('qemu-nbd')) process.kill(pid, 'SIGKILL');
      } else {
        const client = (await readClient(jobFolderIn(stateDir, job)))?.pid ?? 0;
        if (victim === 'node') node = await restarted(far, node, client);
        process.kill(client, 'SIGKILL');
      }
      await ended;
      await at.vcenter.vddkFault();
      const recovered = await at.work.call(['recover']);
      expect(recovered, recovered.stderr).toMatchObject({ exitCode: 0 });
      expect((await at.run('nightly.yaml')).finished.error, victim).toMatchObject({ code: 'source.half_restored' });
      const done = await at.work.call(words);
      expect(done, `${victim}: ${done.stderr}`).toMatchObject({ exitCode: 0 });
      for (const [disk, { flatFile }] of vm.disks.entries())
        expect((await readFile(flatFile)).equals(truth[disk] ?? Buffer.alloc(0)), victim).toBe(true);
    }
    await node.close();
    await vi.waitFor(() => expect(leftovers(at.work.folder)).toEqual([]), { timeout: 200_000 });
  },
);

const kills = rounds(2, 40);

test(
  `kill -9 of hub, client, or both, ${kills} times at random moments: the VM is whole, or marked, or not there`,
  { timeout: 300_000 + kills * 40_000 },
  async () => {
    const numbers = printedRandom('restore kills');
    await using far = await farNode();
    await using _node = await far.start();
    const { at } = far;
    const began = performance.now();
    expect((await far.call('usual')).exitCode).toBe(0);
    const usualMs = performance.now() - began;
    for (let round = 0; round < kills; round++) {
      const name = `random-${round}`;
      const hub = far.restore(name);
      const ended = once(hub, 'exit');
      await Promise.race([delay(numbers.part() * usualMs), ended]);
      const victim = ['hub', 'client', 'both'][round % 3];
      if (victim !== 'client') hub.kill('SIGKILL');
      if (victim !== 'hub')
        for (const { pid, argv } of processesOf(at.work.folder))
          if (argv.join(' ').includes('sendense-backup-client')) process.kill(pid, 'SIGKILL');
      await ended;
      const recovered = await at.work.call(['recover']);
      expect(recovered, `round ${round}: ${recovered.stderr}`).toMatchObject({ exitCode: 0 });
      const made = await at.vcenter.findVm(name);
      const isFinished = made !== null && !(await annotationOf(at, made.moref)).startsWith('sendense-restore/1 ');
      if (!isFinished) {
        const next = await far.call(name);
        expect(next, `round ${round}, ${victim}: ${next.stderr}`).toMatchObject({ exitCode: 0 });
      }
      await expectEqual(far, name);
    }
    await vi.waitFor(() => expect(leftovers(at.work.folder)).toEqual([]), { timeout: 200_000 });
  },
);

async function annotationOf({ vcenter }: VsphereWorkspace, moref: string): Promise<string> {
  await using vsphere = await connectVsphere({ ...vcenter, ca: null });
  const [shown] = await vsphere.properties([{ type: 'VirtualMachine', value: moref }], ['config.annotation']);
  return optionalText(shown?.values.get('config.annotation')) ?? '';
}
