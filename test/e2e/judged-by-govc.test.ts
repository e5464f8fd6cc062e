import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { privilegesFor } from '../../src/node/vsphere/privileges.ts';
import { restorePrivileges } from '../../src/node/vsphere/restore-privileges.ts';
import { packageRoot } from '../../src/schemas/package.ts';
import { govcOf, type Govc } from '../simulators/vcenter/govc.ts';
import type { SimulatedVm } from '../simulators/vcenter/simulated-vm.ts';
import { guestWorks, pgtest1, vsphereWorkspace, withoutVddk, type VsphereWorkspace } from './vsphere-workspace.ts';

const timeout = 300_000;

let at: VsphereWorkspace;
let vm: SimulatedVm;
let govc: Govc;
beforeAll(async () => {
  at = await vsphereWorkspace({ settings: withoutVddk });
  govc = await govcOf(at.vcenter, at.work.folder);
  vm = await at.vcenter.addVm({
    ...pgtest1,
    poweredOn: false,
    networks: [{ name: 'VM Network', mac: '00:50:56:9a:1b:2c' }],
  });
  await at.plan('nightly.yaml', vm);
  const { exitCode, stderr } = await at.run('nightly.yaml');
  if (exitCode !== 0) throw new Error(stderr);
  const raw = await at.work.call(['restore', 'pgtest1', '--to', './raw']);
  if (raw.exitCode !== 0) throw new Error(raw.stderr);
}, timeout);
afterAll(() => at[Symbol.asyncDispose]());

interface Device {
  readonly Key: number;
  readonly UnitNumber?: number;
  readonly ControllerKey?: number;
  readonly CapacityInBytes?: number;
  readonly Backing?: { readonly FileName?: string; readonly ThinProvisioned?: boolean };
  readonly Connectable?: { readonly Connected: boolean; readonly StartConnected: boolean };
  readonly MacAddress?: string;
}

const devicesOf = async (name: string, kind: string): Promise<Device[]> =>
  (JSON.parse(await govc.says('device.info', '-json', `-vm=${name}`, kind)) as { readonly Devices: Device[] }).Devices;

/** The VM's disks hold the bytes of the restore point, as govc reads them from the datastore and `cmp` compares them. */
async function expectBytes(name: string): Promise<void> {
  const disks = await devicesOf(name, 'disk-*');
  expect(disks.length).toBe(pgtest1.disks.length);
  for (const [index, { Backing, CapacityInBytes }] of disks.entries()) {
    expect(CapacityInBytes).toBe(pgtest1.disks[index]?.capacity);
    const path = (Backing?.FileName ?? '').replace(/^\[.*\] /, '').replace(/\.vmdk$/, '-flat.vmdk');
    const file = at.work.path(`${name}-${index}`);
    await govc.says('datastore.download', path, file);
    await execa('cmp', [file, at.work.path('raw', `disk-${index}.raw`)]);
  }
}

describe('govc sees in vSphere', () => {
  test.each([
    ['by VDDK', 'test-vcenter', 'back-by-vddk'],
    ['by an import lease', 'without-vddk', 'back-by-lease'],
  ])('a new VM whose disks came %s, with the hardware and the bytes of the old one', { timeout }, async (...of) => {
    const [, source, name] = of;
    const done = await at.work.call(['restore', 'pgtest1', '--to', `vsphere:${source}`, '--name', name]);
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });
    await expectBytes(name);
    const places = (devices: readonly Device[]): unknown =>
      devices.map(({ Key, ControllerKey, UnitNumber }) => [Key, ControllerKey, UnitNumber]);
    for (const kind of ['disk-*', 'pvscsi-*'])
      expect(places(await devicesOf(name, kind)), kind).toEqual(places(await devicesOf('pgtest1', kind)));
    const [card] = await devicesOf(name, 'ethernet-*');
    expect(card?.Connectable).toMatchObject({ Connected: false, StartConnected: false });
    expect(card?.MacAddress).not.toBe('00:50:56:9a:1b:2c');
    const shown = async (one: string): Promise<string[]> =>
      (await govc.says('vm.info', one)).split('\n').filter((line) => /Guest name|Memory|CPU/.test(line));
    expect(await shown(name)).toEqual(await shown('pgtest1'));
    expect(await govc.says('object.collect', '-s', `vm/${name}`, 'config.annotation')).not.toContain('sendense');
    // It is a VM like any other: it starts and ends by the administrator's own tool.
    await govc.says('vm.power', '-on', name);
    await govc.says('vm.power', '-off', name);
    await govc.says('vm.destroy', name);
  });

  test(
    'a VM that was restored in place, without a snapshot left, and with the bytes of the point',
    { timeout },
    async () => {
      await guestWorks(vm);
      await expect(expectBytes('pgtest1')).rejects.toThrow();
      const words = ['restore', 'pgtest1', '--to', 'vsphere:test-vcenter', '--in-place', '--no-safety-backup'];
      const done = await at.work.call(words);
      expect(done, done.stderr).toMatchObject({ exitCode: 0 });
      await expectBytes('pgtest1');
      expect((await govc.says('snapshot.tree', '-vm=pgtest1')).trim()).toBe('');
      expect(await govc.says('object.collect', '-s', 'vm/pgtest1', 'config.annotation')).not.toContain('sendense');
    },
  );
});

test('govc imports the OVA file, as the documentation says', { timeout }, async () => {
  expect(await readFile(join(packageRoot, 'docs/restore.md'), 'utf8')).toContain('`govc import.ova`');
  const made = await at.work.call(['restore', 'pgtest1', '--to', 'ova:./pgtest1.ova']);
  expect(made, made.stderr).toMatchObject({ exitCode: 0 });
  await govc.says('import.ova', '-name=from-ova', at.work.path('pgtest1.ova'));
  await expectBytes('from-ova');
});

describe('the roles of the documentation', () => {
  const page = readFile(join(packageRoot, 'docs/vsphere.md'), 'utf8');
  const commands = async (role: string): Promise<string> => {
    const block = (await page).split('```').find((text) => text.startsWith(`sh\ngovc role.create ${role} `));
    if (block === undefined) throw new Error(`docs/vsphere.md makes no role ${role}`);
    return block.slice('sh\n'.length);
  };

  test.each([
    ['sendense-backup', () => privilegesFor(['vddk', 'https', 'ssh'])],
    ['sendense-restore', () => restorePrivileges(['vddk', 'https', 'ssh'], { judged: true })],
  ] as const)('govc makes %s by the commands that are there', async (role, privileges) => {
    const { exitCode, stderr } = await govc.shell(await commands(role));
    expect(exitCode, stderr).toBe(0);
    const made = (await govc.says('role.ls', role)).split('\n').filter(Boolean);
    for (const { privilege } of privileges()) expect(made).toContain(privilege);
    expect(await govc.says('role.usage', role)).toMatch(
      new RegExp(`${role.replace('sendense-', '')}@vsphere.local +Yes`),
    );
  });
});
