/** Many at once: 101 forwards of one node, and several nodes. With `npm run test:all` there are ten, each is backed up, and 101 disks are. */
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { isRunning } from '../../../src/host/programs/process-identity.ts';
import { createJournal } from '../../../src/state/runs/create-journal.ts';
import { openState } from '../../../src/state/database/open-state.ts';
import { addressOfNode } from '../../../src/state/nodes/node-address.ts';
import { allocatePorts, openPortsTo, releasePorts } from '../../../src/state/runs/port-leases.ts';
import { someRun } from '../../state/temporary-state.ts';
import { backupPlan, makeRaw, restorePlan, sameBytes } from '../workspace.ts';
import { startService } from './service.ts';
import { openSite, type Mode } from './site.ts';
import { all, rounds } from '../../support/rounds.ts';
import { expectSuccess, makeVm } from './vm.ts';
import { testProgram } from '../../programs.ts';

const MiB = 1024 * 1024;
const manyEnds = testProgram('e2e/network/many-child');

describe.each<Mode>(all ? ['built-in', 'openssh'] : ['built-in'])('%s', (mode) => {
  test('101 forwards are in use at once', { timeout: 300_000 }, async () => {
    await using site = await openSite(mode);
    const [node] = site.nodes;
    using state = openState(site.work.path('state/sendense.db'));
    await using _answering = await startService({
      host: site.net.hub,
      argv: [process.execPath, manyEnds, 'answer', '10100', '10200', addressOfNode(state, node.name) ?? ''],
      cwd: site.work.folder,
      ready: /listening/,
    });
    const owner = { runId: 'run-many', stepId: 'ports' };
    createJournal(state, isRunning).startRun(someRun(owner.runId));
    const ports = await allocatePorts(state, { count: 101, from: 10_100, to: 10_200, owner, isFree: () => true });
    openPortsTo(state, node.name, ports);
    const asked = await execa(
      node.host.prefix[0] ?? '',
      [...node.host.prefix.slice(1), process.execPath, manyEnds, 'ask', '10100', '10200'],
      { timeout: 300_000 },
    );
    expect(JSON.parse(asked.stdout)).toEqual({ open_at_once: 101, equal: 101 });
    releasePorts(state, owner.runId);
  });
});

const nodes = rounds(3, 10);
test(`${nodes} nodes at once, each at a port of its own`, { timeout: 300_000 }, async () => {
  await using site = await openSite('built-in', { nodes });
  const listed = JSON.parse((await site.work.call(['node', 'list', '--json'])).stdout) as {
    nodes: { name: string; state: string; reverse_port: number }[];
  };
  expect(listed.nodes.map(({ state }) => state)).toEqual(Array(nodes).fill('connected'));
  expect(new Set(listed.nodes.map((node) => node.reverse_port)).size).toBe(nodes);
  const used = site.nodes.slice(0, rounds(2, 10));
  const vms = [];
  for (const { name } of used) vms.push(await makeVm(site, { mib: 2, node: name }));
  for (const mode of all ? (['full', 'incremental'] as const) : (['full'] as const)) {
    for (const outcome of await Promise.all(vms.map((vm) => vm.back()))) expectSuccess(outcome, mode);
    for (const vm of vms) await vm.expectRestored();
    await site.expectNothingLeft();
    for (const vm of vms) await vm.change(1);
  }
});

// A VM has at most 64.
test.each(all ? [[51, 50]] : [])('%d and %d disks of two VMs at once', { timeout: 600_000 }, async (...counts) => {
  await using site = await openSite('built-in');
  const { work } = site;
  const outcomes = await Promise.all(
    counts.map(async (count, vm) => {
      const disks = Array.from({ length: count }, (_, index) => work.path(`vm${vm}-${index}.raw`));
      for (const disk of disks) await makeRaw(disk, MiB, [[64 * 1024, 128 * 1024]]);
      const named = (text: string): string => text.replaceAll('pgtest1', `pgtest1-${vm}`);
      await work.write(`vm${vm}.yaml`, named(backupPlan(disks, 'node: site-1\n')));
      await work.write(`restore${vm}.yaml`, named(restorePlan(`./restored${vm}`)));
      return { disks, outcome: await work.run(`vm${vm}.yaml`), vm };
    }),
  );
  for (const { disks, outcome, vm } of outcomes) {
    expect(outcome.finished, JSON.stringify(outcome.finished.error)).toMatchObject({ exit_code: 0 });
    expect((await work.run(`restore${vm}.yaml`)).exitCode).toBe(0);
    for (const [index, disk] of disks.entries())
      expect(await sameBytes(work.path(`restored${vm}`, `disk-${index}.raw`), disk)).toBe(true);
  }
  await site.expectNothingLeft();
});
