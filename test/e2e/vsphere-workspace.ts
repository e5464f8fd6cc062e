import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { connectVsphere } from '../../src/node/vsphere/connect.ts';
import { inPlaceMarkIn } from '../../src/node/vsphere/in-place/in-place-mark.ts';
import type { Manifest } from '../../src/schemas/types.ts';
import { startVcenter, type Vcenter, type VcenterOptions } from '../simulators/vcenter/start-vcenter.ts';
import type { SimulatedVm, VmSpec } from '../simulators/vcenter/simulated-vm.ts';
import { sameContent, workspace, type RunOutcome, type Workspace } from './workspace.ts';
import { random, randomBytes } from '../support/random.ts';

export const MiB = 1024 * 1024;

/** A workspace whose only source is a vCenter of its own. */
export interface VsphereWorkspace extends AsyncDisposable {
  readonly work: Workspace;
  readonly vcenter: Vcenter;
  /** `sendense-run run PLAN`, with what the stand-in disk library needs in its environment. */
  run(plan: string): Promise<RunOutcome>;
  /** Writes a plan for the VM; lines under `vm:` and lines at the top level. */
  plan(
    name: string,
    vm: Pick<SimulatedVm, 'path'>,
    vmLines?: readonly string[],
    lines?: readonly string[],
  ): Promise<void>;
  manifest(backupId: string | null, vm?: string): Promise<Manifest>;
}

/** Lines of `settings`: the same vCenter as a source whose disks go by nothing but HTTPS. */
export const withoutVddk = ({ host, port, user, thumbprint }: Vcenter): string[] => [
  '  without-vddk:',
  '    type: vsphere',
  `    host: ${host}:${port}`,
  `    user: ${user}`,
  '    password: { secret: { file: ./vcenter.password } }',
  `    thumbprint: '${thumbprint}'`,
];

export async function vsphereWorkspace(
  options: VcenterOptions & {
    /** More lines; first those of the sources. */
    readonly settings?: readonly string[] | ((vcenter: Vcenter) => readonly string[]);
    /** What goes before the programs of the hub. */
    readonly prefix?: readonly string[];
  } = {},
): Promise<VsphereWorkspace> {
  await using stack = new AsyncDisposableStack();
  const vcenter = stack.use(await startVcenter(options));
  const work = stack.use(
    await workspace({
      env: vcenter.vddkEnvironment,
      ...(options.prefix ? { prefix: options.prefix } : {}),
      settings: [
        'version: 1',
        'state: ./state/sendense.db',
        'repositories:',
        '  primary: { path: ./repository }',
        'sources:',
        '  test-vcenter:',
        '    type: vsphere',
        `    host: ${vcenter.host}:${vcenter.port}`,
        `    user: ${vcenter.user}`,
        '    password: { secret: { file: ./vcenter.password } }',
        `    thumbprint: '${vcenter.thumbprint}'`,
        '    transports: [vddk, https]',
        `    vddk: { libdir: ${vcenter.vddkLibdir}${vcenter.vddkPlugin ? `, plugin: ${vcenter.vddkPlugin}` : ''}, compression: none }`,
        ...settingsOf(options.settings ?? [], vcenter),
        '',
      ].join('\n'),
    }),
  );
  await writeFile(work.path('vcenter.password'), `${vcenter.password}\n`, { mode: 0o600 });
  const held = stack.move();
  return {
    work,
    vcenter,
    run: (plan) => work.run(plan),
    plan: (name, vm, vmLines = [], lines = []) =>
      work.write(
        name,
        [
          'version: 1',
          'kind: backup',
          `name: ${name.replace(/\.yaml$/, '')}`,
          'vm:',
          '  name: pgtest1',
          `  path: ${JSON.stringify(vm.path)}`,
          '  source: test-vcenter',
          ...vmLines.map((line) => `  ${line}`),
          'repository: primary',
          ...lines,
          '',
        ].join('\n'),
      ),
    manifest: async (backupId, vm = 'pgtest1') =>
      JSON.parse(await readFile(work.path('repository', vm, `${backupId}.json`), 'utf8')) as Manifest,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

const settingsOf = (
  settings: readonly string[] | ((vcenter: Vcenter) => readonly string[]),
  vcenter: Vcenter,
): readonly string[] => (typeof settings === 'function' ? settings(vcenter) : settings);

/** Two disks with equal unit numbers on two controllers, sizes that are no multiple of a block, data and holes. */
export const pgtest1: VmSpec = {
  name: 'pgtest1',
  cbt: true,
  disks: [
    { capacity: 9.5 * MiB, controller: 'scsi0', unit: 0, content: randomBytes(2 * MiB) },
    { capacity: 24 * MiB + 1024, controller: 'scsi1', unit: 0, content: randomBytes(3 * MiB + 512) },
  ],
};

/** Random guest writes: data, zeros over data, and the last sector. */
export async function guestWorks(vm: SimulatedVm, writes = 6, numbers = random('guest')): Promise<void> {
  for (const [disk, { capacity }] of vm.disks.entries()) {
    for (let done = 0; done < writes; done++) {
      const length = 512 * numbers.int(1, 301);
      const offset = 512 * numbers.int(0, (capacity - length) / 512);
      await vm.write(disk, offset, numbers.chance(0.3) ? Buffer.alloc(length) : numbers.bytes(length));
    }
    if (numbers.chance(0.5)) await vm.write(disk, capacity - 512, randomBytes(512));
  }
}

/** Keeps what the newest snapshot froze, as the truth about the run that made it. */
export async function keepFrozen(at: VsphereWorkspace, vm: SimulatedVm, name: string): Promise<void> {
  for (const disk of vm.disks.keys()) await copyFile(await vm.frozen(disk), at.work.path(`${name}-${disk}.truth`));
}

/** Nothing of ours at the VM: no snapshot, all disks whole. */
export async function expectClean(vm: SimulatedVm): Promise<void> {
  expect(await vm.snapshots()).toEqual([]);
  expect(await vm.layers()).toBe(0);
}

/** Every disk of the restore point, found by its uuid, holds what the run's snapshot froze. */
export async function expectFrozen(at: VsphereWorkspace, vm: SimulatedVm, outcome: RunOutcome): Promise<void> {
  expect(outcome.finished.backup_id, JSON.stringify(outcome.finished)).not.toBe(null);
  const manifest = await at.manifest(outcome.finished.backup_id);
  for (const { uuid, path } of manifest.disks) {
    const index = vm.disks.findIndex((disk) => disk.uuid === uuid);
    expect(index, `disk ${uuid} among ${JSON.stringify(vm.disks)}`).toBeGreaterThanOrEqual(0);
    expect(await sameContent(at.work.path('repository/pgtest1', path), await vm.frozen(index)), path).toBe(true);
  }
}

/** Whether a mark says that the disks of the VM are neither what they were nor what they are to be: no backup is made then. */
export async function isTorn({ vcenter }: VsphereWorkspace, vm: Pick<SimulatedVm, 'moref'>): Promise<boolean> {
  await using vsphere = await connectVsphere({ ...vcenter, ca: null });
  const [shown] = await vsphere.properties([{ type: 'VirtualMachine', value: vm.moref }], ['config.extraConfig']);
  return inPlaceMarkIn(shown?.values.get('config.extraConfig'))?.isTorn ?? false;
}
