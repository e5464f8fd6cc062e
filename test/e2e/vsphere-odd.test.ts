import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { VsphereDiscoverOutput } from '../../src/schemas/types.ts';
import { connectPinned } from '../../src/node/vsphere/connect-pinned.ts';
import { connectVsphere } from '../../src/node/vsphere/connect.ts';
import { trustedAuthorities } from '../../src/node/vsphere/transports/trusted-authorities.ts';
import { randomBytes } from '../support/random.ts';
import { expectClean, MiB, vsphereWorkspace, type VsphereWorkspace } from './vsphere-workspace.ts';
import { disksOf } from './workspace.ts';

/** VMs and servers that are odd, and have a backup all the same. */
let at: VsphereWorkspace;
beforeAll(async () => {
  at = await vsphereWorkspace({ gate: true });
}, 300_000);
beforeEach(() => at.vcenter.clearFaults());
afterAll(() => at?.[Symbol.asyncDispose]());

const settings = (): Promise<string> => readFile(at.work.path('sendense.yaml'), 'utf8');

/** A plan for each VM, since restore points go by its name. */
const planFor = (name: string, path: string, lines: readonly string[] = [], more: readonly string[] = []) =>
  at.work.write(
    `${name}.yaml`,
    ['version: 1', 'kind: backup', `name: ${name}`, 'vm:', `  name: ${name}`, `  path: ${JSON.stringify(path)}`]
      .concat('  source: test-vcenter', ...lines.map((line) => `  ${line}`), 'repository: primary', ...more, '')
      .join('\n'),
  );

test('a vCenter that is away for 5 s while disks are opened is waited for', { timeout: 300_000 }, async () => {
  const vm = await at.vcenter.addVm({
    name: 'away',
    cbt: true,
    disks: [{ capacity: 4 * MiB, content: randomBytes(MiB) }],
  });
  await planFor('away', vm.path, ['transport: https']);
  // The first looks at the file; the next is the proof that pieces of it are sent.
  await at.vcenter.fault('away', { for: 'folder', ms: 5000, count: 1, after: 1 });
  const outcome = await at.run('away.yaml');
  expect(outcome.finished, JSON.stringify(outcome.finished)).toMatchObject({ status: 'succeeded', exit_code: 0 });
  await expectClean(vm);
});

test('what nbdkit is to trust is asked of a vCenter that is away for a moment', { timeout: 300_000 }, async () => {
  const address = { ...at.vcenter, ca: null };
  await using vsphere = await connectVsphere(address);
  await at.vcenter.fault('away', { for: 'CurrentTime', ms: 2000, count: 1 });
  const asking = vsphere.clockOffset();
  const look = (): Promise<string> =>
    connectPinned(address).then(
      (socket) => (socket.destroy(), 'there'),
      () => 'away',
    );
  await expect.poll(look).toBe('away');
  expect(await trustedAuthorities(address)).toContain('BEGIN CERTIFICATE');
  await asking;
});

test('a session is used again when vCenter was away for 5 s', { timeout: 300_000 }, async () => {
  const vm = await at.vcenter.addVm({
    name: 'gone',
    cbt: true,
    disks: [{ capacity: MiB, content: randomBytes(4096) }],
  });
  await planFor('gone', vm.path);
  await at.vcenter.fault('away', { for: 'QueryEvents', ms: 5000, count: 1, after: 1 });
  const outcome = await at.run('gone.yaml');
  expect(outcome.finished, JSON.stringify(outcome.finished)).toMatchObject({ status: 'succeeded', exit_code: 0 });
  await expectClean(vm);
});

test.each(['vddk', 'https'])(
  'a tab in the name of a VM is no obstacle: %s',
  { timeout: 300_000 },
  async (transport) => {
    const vm = await at.vcenter.addVm({
      name: `tab\there ${transport}`,
      cbt: true,
      disks: [{ capacity: 2 * MiB, content: randomBytes(MiB) }],
    });
    await planFor(`tab-${transport}`, vm.path, [`transport: ${transport}`]);
    const outcome = await at.run(`tab-${transport}.yaml`);
    expect(outcome.finished, JSON.stringify(outcome.finished)).toMatchObject({ status: 'succeeded', warnings: [] });
    await expectClean(vm);
  },
);

test(
  'plain disks of a VM whose configuration is encrypted are read over https, encrypted ones are not',
  { timeout: 300_000 },
  async () => {
    const disk = { capacity: 2 * MiB, content: randomBytes(MiB) };
    const plain = await at.vcenter.addVm({ name: 'vtpm', keyId: 'key-1', cbt: true, disks: [disk] });
    await planFor('vtpm', plain.path, ['transport: https']);
    expect((await at.run('vtpm.yaml')).finished).toMatchObject({ status: 'succeeded' });
    const locked = await at.vcenter.addVm({
      name: 'locked',
      keyId: 'key-1',
      disks: [disk, { ...disk, keyId: 'key-2' }],
    });
    await planFor('locked', locked.path, ['transport: https']);
    const refused = await at.run('locked.yaml');
    expect(refused.finished.error).toMatchObject({ code: 'transport.unsafe' });
    expect(refused.finished.error?.message).toMatch(/Hard disk 2 .*it is encrypted/);
    await expectClean(locked);
  },
);

test('a disk that several VMs write to stops a backup, as discover says', { timeout: 300_000 }, async () => {
  const vm = await at.vcenter.addVm({
    name: 'shared',
    disks: [{ capacity: MiB }, { capacity: MiB, sharing: 'sharingMultiWriter' }],
  });
  const found = JSON.parse(
    (await at.work.call(['--json', 'discover', 'test-vcenter', '--vm', 'shared'])).stdout,
  ) as VsphereDiscoverOutput;
  expect(found.vms[0]?.findings).toContainEqual(expect.objectContaining({ level: 'stops', code: 'disk.shared' }));
  await planFor('shared', vm.path);
  await at.vcenter.clearCalls();
  const outcome = await at.run('shared.yaml');
  expect(outcome.finished.error).toMatchObject({ code: 'source.unsupported' });
  expect(outcome.finished.error?.message).toMatch(/Hard disk 2 .*is shared between VMs \(sharingMultiWriter\)/);
  expect((await at.vcenter.calls()).map(({ method }) => method)).not.toContain('CreateSnapshot_Task');
});

test(
  'a thin disk that is larger than the space for it is backed up for what it holds',
  { timeout: 300_000 },
  async () => {
    const GiB = 1024 * MiB;
    const vm = await at.vcenter.addVm({
      name: 'thin',
      cbt: true,
      disks: [{ capacity: 64 * GiB, share: true, content: randomBytes(3 * MiB) }],
    });
    await at.work.write('sendense.yaml', (await settings()).replace('./repository }', './repository, quota: 2GiB }'));
    await planFor('thin', vm.path);
    const outcome = await at.run('thin.yaml');
    expect(outcome.finished, JSON.stringify(outcome.finished)).toMatchObject({ status: 'succeeded', exit_code: 0 });
    expect(disksOf(outcome)[0]?.bytes_transferred).toBeLessThan(16 * MiB);
    await expectClean(vm);
  },
);

test('the run after one that followed a revert reads the disks, and makes no full', { timeout: 300_000 }, async () => {
  const vm = await at.vcenter.addVm({
    name: 'reverted',
    cbt: true,
    disks: [{ capacity: 4 * MiB, content: randomBytes(MiB) }],
  });
  await planFor('reverted', vm.path);
  const first = await at.run('reverted.yaml');
  expect(first.finished, JSON.stringify(first.finished)).toMatchObject({ exit_code: 0 });
  const before = await vm.snapshot('before the upgrade');
  await vm.write(0, MiB, randomBytes(4096));
  await vm.revert(before);
  await vm.removeSnapshot(before);
  const modes: string[] = [];
  for (let round = 0; round < 2; round++) {
    await vm.write(0, 2 * MiB, randomBytes(4096));
    const outcome = await at.run('reverted.yaml');
    expect(outcome.finished, JSON.stringify(outcome.finished)).toMatchObject({ exit_code: 0 });
    modes.push(...disksOf(outcome).map(({ mode, reason }) => `${mode}: ${reason}`));
  }
  expect(modes[0]).toMatch(/^full: the VM was reverted to a snapshot/);
  expect(modes[1]).toMatch(/^incremental: compared by digest with .*too shortly before/);
});
