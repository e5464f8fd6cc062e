import { readdir, readFile } from 'node:fs/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { runTool } from '../../src/host/programs/process.ts';
import { validatorOf } from '../../src/schemas/validator.ts';
import type { AttachedOutput, DetachOutput } from '../../src/schemas/types.ts';
import { testProgram } from '../programs.ts';
import type { SimulatedVm } from '../simulators/vcenter/simulated-vm.ts';
import { randomBytes } from '../support/random.ts';
import { expectClean, MiB, vsphereWorkspace, type VsphereWorkspace } from './vsphere-workspace.ts';

const timeout = 600_000;
const killedRun = testProgram('e2e/killed-run-child');

let at: VsphereWorkspace;
/** It runs all the time. */
let vm: SimulatedVm;
let point: string;
let files: string[];

const home = async (): Promise<string[]> => (await readdir(vm.home)).toSorted();

beforeAll(async () => {
  at = await vsphereWorkspace();
  vm = await at.vcenter.addVm({
    name: 'pgtest1',
    cbt: true,
    disks: [
      { capacity: 4 * MiB, content: randomBytes(2 * MiB) },
      { capacity: 8 * MiB, content: randomBytes(5 * MiB), controller: 'scsi1' },
    ],
  });
  await at.plan('nightly.yaml', vm);
  point = (await backUp()).id;
  await at.work.write(
    'beside.yaml',
    `kind: restore\nname: beside\nvm: { name: pgtest1 }\nrepository: primary\npoint: ${point}\ndisks: [1]\nto: { attach: test-vcenter }\n`,
  );
  // What another tool compares with.
  const out = await restore('--to', at.work.path('truth'));
  if (out.exitCode !== 0) throw new Error(out.stderr);
  await vm.write(1, 0, randomBytes(MiB));
  files = await home();
}, timeout);
afterAll(() => at[Symbol.asyncDispose]());
beforeEach(async () => {
  await at.vcenter.vddkFault();
  await at.vcenter.clearFaults();
});

/** @param expected 3 where a disk is left out */
async function backUp(...expected: number[]) {
  const { exitCode, stderr, finished } = await at.run('nightly.yaml');
  if (!(expected.length > 0 ? expected : [0]).includes(exitCode ?? -1))
    throw new Error(`exit status ${exitCode}: ${JSON.stringify(finished)} ${stderr}`);
  const id = finished.backup_id ?? '';
  return { id, manifest: await at.manifest(id) };
}
const restore = (...words: string[]) => at.work.call(['restore', 'pgtest1', '--point', point, ...words]);
const attach = (...words: string[]) =>
  at.work.call(['attach', 'pgtest1', '--point', point, '--to', 'vsphere:test-vcenter', ...words]);
const detach = (...words: string[]) =>
  at.work.call(['detach', 'pgtest1', '--from', 'vsphere:test-vcenter', '--json', '--yes', ...words]);
const listed = async (): Promise<AttachedOutput['disks']> =>
  said<AttachedOutput>((await at.work.call(['attach', 'list', 'test-vcenter', '--json'])).stdout, 'attached').disks;

/** What a command printed, by its schema. */
function said<T>(stdout: string, schema: string): T {
  const output = JSON.parse(stdout) as T;
  expect(validatorOf(`output/${schema}.json`)(structuredClone(output))).toBe(true);
  return output;
}

/** That the VM runs with one more disk, which is `disk-1` of the restore point. */
async function expectAttached(): Promise<void> {
  await vm.snapshots();
  expect(vm.disks).toHaveLength(3);
  expect(await vm.powerState()).toBe('poweredOn');
  const truth = at.work.path('truth/disk-1.raw');
  await runTool('qemu-img', ['compare', '-f', 'raw', '-F', 'raw', truth, vm.disks[2]?.flatFile ?? ''], {
    timeoutMs: 60_000,
  });
  expect(await listed()).toEqual([
    expect.objectContaining({ vm: 'pgtest1', of: 'pgtest1', point, disk: 'disk-1', address: 'scsi0:1', problem: null }),
  ]);
}

/** That nothing of ours is left, neither at the VM nor beside it. */
async function expectGone(): Promise<void> {
  await vm.snapshots();
  expect(vm.disks).toHaveLength(2);
  expect(await listed()).toEqual([]);
  expect(await home()).toEqual(files);
  await expectClean(vm);
  expect(await readdir(`${at.vcenter.folder}/LocalDS_0`)).toEqual(['pgtest1']);
}

test('a VM that runs gets a disk of a restore point, and loses it again', { timeout }, async () => {
  const shown = await attach('--disk', '1', '--dry-run');
  expect(shown, shown.stderr).toMatchObject({ exitCode: 0 });
  expect(shown.stdout).toContain('at unit 1 of SCSI controller 0');
  expect(shown.stdout).toContain('while it runs');
  await expectGone();
  const done = await attach('--disk', '1');
  expect(done, done.stderr + done.stdout).toMatchObject({ exitCode: 0 });
  expect(done.stdout).toContain(`has disk-1 of ${point}`);
  await expectAttached();
  const again = await attach('--disk', '1');
  expect(again.exitCode).not.toBe(0);
  expect(again.stderr).toContain('it has disk-1 of');
  const gone = await detach();
  expect(gone, gone.stderr).toMatchObject({ exitCode: 0 });
  expect(said<DetachOutput>(gone.stdout, 'detach').removed).toEqual([
    expect.objectContaining({ disk: 'disk-1', point }),
  ]);
  await expectGone();
  expect(await detach()).toMatchObject({ exitCode: 1 });
});

test('backups of the VM go on as they did: before, while it has the disk, and after', { timeout }, async () => {
  const incremental = { kind: 'incremental', disks: [{ method: 'areas' }, { method: 'areas' }] };
  expect((await backUp()).manifest).toMatchObject(incremental);
  expect(await attach('--disk', '1')).toMatchObject({ exitCode: 0 });
  await vm.write(0, MiB, randomBytes(1000));
  await vm.write(2, 0, randomBytes(1000));
  const { manifest } = await backUp(3);
  expect(manifest).toMatchObject(incremental);
  expect(manifest.not_protected).toEqual([
    expect.objectContaining({ reason: expect.stringContaining(`Sendense attached it from ${point}`) as string }),
  ]);
  expect(await detach()).toMatchObject({ exitCode: 0 });
  await vm.write(1, MiB, randomBytes(1000));
  const after = (await backUp()).manifest;
  expect(after).toMatchObject(incremental);
  expect(after.not_protected ?? []).toEqual([]);
  await expectGone();
});

test('a disk comes while a backup goes on, and goes when that has ended', { timeout }, async () => {
  const began = (await at.vcenter.calls()).length;
  await at.vcenter.vddkFault({ 'slow-ms': 20 });
  await at.vcenter.fault('slow-task', { method: 'RemoveSnapshot_Task', ms: 2000, count: 1 });
  const backup = backUp(0, 3);
  await expect.poll(() => vm.snapshots(), { timeout: 200_000 }).toHaveLength(1);
  const done = await attach('--disk', '1');
  expect(done, done.stderr + done.stdout).toMatchObject({ exitCode: 0 });
  expect((await backup).manifest).toMatchObject({ kind: 'incremental' });
  expect((await at.vcenter.calls()).length).toBeGreaterThan(began);
  await expectAttached();
  // A snapshot lists all disks of the VM.
  const snapshot = await vm.snapshot('before the update');
  const refused = await detach();
  expect(refused.exitCode).not.toBe(0);
  expect(refused.stderr).toContain('it is in the snapshot before the update');
  await vm.removeSnapshot(snapshot);
  expect(await detach()).toMatchObject({ exitCode: 0 });
  await expectGone();
});

describe('an attach that is killed', () => {
  test.each([
    ['restore.write', 'before'],
    ['restore.write', 'after'],
    ['restore.verify', 'after'],
    ['restore.publish', 'before'],
    ['restore.publish', 'after'],
  ])('at %s (%s) is cleaned up or done, and the same command completes it', { timeout }, async (uses, when) => {
    const killed = await execa(process.execPath, [killedRun, at.work.path('beside.yaml'), uses, when], {
      reject: false,
      env: at.vcenter.vddkEnvironment,
    });
    expect(killed.signal, killed.stderr).toBe('SIGKILL');
    const recovered = await at.work.call(['recover']);
    expect(recovered.exitCode, recovered.stderr).toBe(0);
    if ((await listed()).length === 0) {
      const writes = (await at.vcenter.writes()).length;
      const done = await attach('--disk', '1');
      expect(done, done.stderr).toMatchObject({ exitCode: 0 });
      // A disk that was copied whole is not copied again.
      const isCopied = !(uses === 'restore.write' && when === 'before');
      expect((await at.vcenter.writes()).length === writes).toBe(isCopied);
    }
    await expectAttached();
    expect(await detach()).toMatchObject({ exitCode: 0 });
    await expectGone();
  });
});

test('what a user has written to the disk goes with it, and nothing else does', { timeout }, async () => {
  expect(await attach('--disk', '1')).toMatchObject({ exitCode: 0 });
  const before = await readFile(vm.disks[0]?.flatFile ?? '');
  await vm.write(2, 0, randomBytes(MiB));
  const asked = await at.work.call(['detach', 'pgtest1', '--from', 'vsphere:test-vcenter']);
  expect(asked.exitCode).not.toBe(0);
  expect(asked.stderr).toContain('--yes');
  await expect(
    at.work.call(['detach', 'pgtest1', '--from', 'vsphere:test-vcenter', '--dry-run']),
  ).resolves.toMatchObject({ exitCode: 0 });
  expect(await listed()).toHaveLength(1);
  expect(await detach('--disk', '0')).toMatchObject({ exitCode: 1 });
  expect(await detach('--disk', '1', '--point', point)).toMatchObject({ exitCode: 0 });
  await expectGone();
  expect((await readFile(vm.disks[0]?.flatFile ?? '')).equals(before)).toBe(true);
});
