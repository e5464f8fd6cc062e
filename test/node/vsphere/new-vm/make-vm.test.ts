import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connectVsphere } from '../../../../src/node/vsphere/connect.ts';
import { judgePlace } from '../../../../src/node/vsphere/new-vm/judge-place.ts';
import { finishVm } from '../../../../src/node/vsphere/new-vm/finish-vm.ts';
import { makeVm, type NewVm } from '../../../../src/node/vsphere/new-vm/make-vm.ts';
import { changeVm } from '../../../../src/node/vsphere/new-vm/marked-vm.ts';
import { removeUnfinished } from '../../../../src/node/vsphere/new-vm/remove-unfinished.ts';
import { noteDisks } from '../../../../src/node/vsphere/new-vm/take-over.ts';
import { findPlace, type WantedPlace } from '../../../../src/node/vsphere/new-vm/place.ts';
import type { SpecOptions } from '../../../../src/node/vsphere/new-vm/vm-spec.ts';
import { wantedVm, type WantedVm } from '../../../../src/node/vsphere/new-vm/wanted-vm.ts';
import { restorePrivileges } from '../../../../src/node/vsphere/restore-privileges.ts';
import type { Vsphere } from '../../../../src/node/vsphere/vsphere.ts';
import { testLogin } from '../../../../src/node/sources/vsphere/test-login.ts';
import { packageRoot } from '../../../../src/schemas/package.ts';
import type { VmConfig, VsphereSourceSpec } from '../../../../src/schemas/types.ts';
import { rawSoap } from '../../../simulators/vcenter/raw-soap.ts';
import { startVcenter, type Vcenter } from '../../../simulators/vcenter/start-vcenter.ts';
import { savedConfig, savedDisk } from './saved-config.ts';

const MiB = 1024 * 1024;
let vcenter: Vcenter;
let vsphere: Vsphere;
let number = 0;
const nothing = { removed: null, kept: null, left: null };

beforeAll(async () => {
  vcenter = await startVcenter();
  vsphere = await connectVsphere({ ...vcenter, ca: null });
  await vcenter.addDatastore('second');
  await vcenter.addDatastore('small', { free: MiB });
}, 300_000);
afterEach(() => vcenter.clearFaults());
afterAll(async () => {
  await vsphere?.[Symbol.asyncDispose]();
  await vcenter?.[Symbol.asyncDispose]();
});

const two = savedConfig({
  controllers: [
    ...savedConfig().controllers,
    { key: 31_000, type: 'VirtualNVMEController', label: 'NVME 0', bus: 0, sharing: null, scsi_unit: null },
  ],
  boot: { ...savedConfig().boot, delay_ms: 500, order: ['ethernet 4000', 'disk 2000', 'cdrom'] },
  disks: [
    savedDisk({ unit: 2, thin: false }),
    savedDisk({ key: 32_000, label: 'Hard disk 2', controller_key: 31_000 }),
  ],
});
const sizes = new Map([
  [2000, 4 * MiB],
  [32_000, 2 * MiB],
]);
const judged = (config: VmConfig = two): WantedVm =>
  wantedVm(config, { disks: config === two ? sizes : new Map([[2000, 4 * MiB]]), withoutTpm: false });
const to = (more: Partial<WantedPlace> = {}): WantedPlace => ({
  name: `made-${++number}`,
  folder: '/DC1/vm',
  pool: null,
  datastore: 'LocalDS_0',
  disks: new Map([[32_000, 'second']]),
  networks: new Map(),
  ...more,
});

/** All that happens before the disks are copied. */
async function make(
  wanted: WantedPlace,
  { vm = judged(), ...options }: Partial<SpecOptions> & { vm?: WantedVm } = {},
): Promise<{ readonly made: NewVm; readonly vm: WantedVm }> {
  const place = await findPlace(vsphere, wanted);
  const thin = options.thin ?? null;
  const fitting = await judgePlace(vsphere, { vm, wanted, place, thin, used: new Map(), run: wanted.name, by: 'vddk' });
  const how: SpecOptions = {
    name: wanted.name,
    fitting,
    mark: { run: wanted.name, point: 'p-1' },
    mac: 'new',
    identity: 'new',
    connect: false,
    ...options,
    thin,
  };
  return { made: await makeVm(vsphere, vm, { ...how, place }), vm };
}
const config = async (name: string): Promise<string> => {
  const soap = rawSoap(vcenter);
  await soap.login();
  return soap.property('VirtualMachine', (await vcenter.findVm(name))?.moref ?? '', 'config');
};

describe('a VM of a saved configuration', () => {
  it('has its disks where they were, and is marked until it is finished', async () => {
    const wanted = to();
    const { made } = await make(wanted);
    const found = await vcenter.findVm(wanted.name);
    expect(found?.disks.map(({ key, capacity, datastore, thin }) => [key, capacity, datastore, thin])).toEqual([
      [2002, 4 * MiB, 'LocalDS_0', false],
      [32_000, 2 * MiB, 'second', true],
    ]);
    expect(Object.fromEntries(made.disks)).toEqual({
      2000: { key: 2002, file: found?.disks[0]?.fileName, bytes: 4 * MiB },
      32000: { key: 32_000, file: found?.disks[1]?.fileName, bytes: 2 * MiB },
    });
    const shown = await config(wanted.name);
    expect(shown).toContain(`<annotation>sendense-restore/1 run=${wanted.name} point=p-1`);
    for (const text of ['>vmx-15<', '>efi<', '>debian10_64Guest<', '>disk.EnableUUID<', 'VirtualLsiLogicSASController'])
      expect(shown).toContain(text);
    expect(shown).toMatch(/<efiSecureBootEnabled>true</);
    expect(shown).toMatch(/<startConnected>false</);
    expect(shown).toMatch(/<bootDelay>500<[^]*<deviceKey>4000<[^]*<deviceKey>2002<[^]*BootableCdromDevice/);
    expect(shown).not.toContain('00:50:56:81:0a:01');
    expect(found?.biosUuid).not.toBe(two.bios_uuid);
    await finishVm(vsphere, made.object, { run: wanted.name, point: 'p-1' });
    expect(await config(wanted.name)).toContain('<annotation>Payroll &amp; &#34;more&#34;</annotation>');
    expect(await removeUnfinished(vsphere, wanted.name)).toEqual(nothing);
  });

  it('keeps address and identity if that is asked for, also an address that ESXi calls reserved', async () => {
    const wanted = to();
    const [card] = savedConfig().networks;
    const networks = card ? [card, { ...card, key: 4001, mac: '00:0c:29:01:02:03' }] : [];
    await make(wanted, { vm: judged(savedConfig({ networks })), mac: 'keep', identity: 'keep', connect: true });
    const shown = await config(wanted.name);
    for (const text of [
      '00:50:56:81:0a:01',
      '00:0c:29:01:02:03',
      '>ethernet1.checkMACAddress<',
      '<startConnected>true<',
    ])
      expect(shown).toContain(text);
    expect(shown).not.toContain('ethernet0.checkMACAddress');
    const found = await vcenter.findVm(wanted.name);
    expect(found?.biosUuid).toBe(two.bios_uuid);
    await vsphere.task('PowerOnVM_Task', { type: 'VirtualMachine', value: found?.moref ?? '' }, []);
    expect((await removeUnfinished(vsphere, wanted.name)).left?.why).toBe('it runs');
    // vSphere replaces one of its own range that another VM has, and the test vCenter does.
    const { made } = await make(to(), { vm: judged(savedConfig({ networks })), mac: 'keep' });
    expect(made.otherMacs).toEqual([
      expect.stringMatching(/^the MAC address 00:50:56:81:0a:01 of .*, in place of which vSphere gave it 00:50:56:9/),
    ]);
  });

  it('goes to a distributed port group by its key', async () => {
    const wanted = to({ networks: new Map([['VM Network', 'DC0_DVPG0']]) });
    await make(wanted);
    expect(await config(wanted.name)).toMatch(/<portgroupKey>dvportgroup-/);
  });

  it('is the same one for a run that begins again, and is removed with its disks', async () => {
    const wanted = to();
    const { made } = await make(wanted);
    const place = await findPlace(vsphere, wanted);
    const fitting = await judgePlace(vsphere, {
      vm: judged(),
      wanted: to(),
      place,
      thin: true,
      used: new Map(),
      run: wanted.name,
      by: 'vddk',
    });
    const mark = { run: wanted.name, point: 'p-1' };
    const again = await makeVm(vsphere, judged(), {
      name: wanted.name,
      fitting,
      place,
      mark,
      mac: 'new',
      identity: 'new',
      connect: false,
      thin: null,
    });
    expect(again).toEqual({ ...made, isNew: false });
    expect(await removeUnfinished(vsphere, 'another run')).toEqual(nothing);
    expect(await removeUnfinished(vsphere, wanted.name)).toEqual({ ...nothing, removed: wanted.name });
    expect(await vcenter.findVm(wanted.name)).toBeNull();
    expect(await removeUnfinished(vsphere, wanted.name)).toEqual(nothing);
  });

  it('is told of where somebody has changed the first line of its notes, until it is finished', async () => {
    const wanted = to();
    const { made } = await make(wanted);
    const vm = made.object.value;
    const change = (edit: (notes: string) => string) =>
      changeVm(vsphere, made.object, ({ annotation }) => [['annotation', edit(annotation)]]);
    await change((notes) => `\n${notes}`);
    expect(await removeUnfinished(vsphere, wanted.name)).toEqual(nothing);
    expect(await removeUnfinished(vsphere, wanted.name, { vm })).toEqual({
      ...nothing,
      left: { name: wanted.name, vm, why: 'somebody has changed the first line of its notes' },
    });
    await change((notes) => notes.trimStart());
    await finishVm(vsphere, made.object, { run: wanted.name, point: 'p-1' });
    expect(await removeUnfinished(vsphere, wanted.name, { vm })).toEqual(nothing);
    expect(await removeUnfinished(vsphere, wanted.name, { vm: 'vm-999999' })).toEqual(nothing);
  });

  it('needs all of a thin disk that was begun and is not whole, for a run that begins again', async () => {
    await vcenter.addDatastore('tight', { free: 4 * MiB });
    const wanted = to({ datastore: 'tight', disks: new Map() });
    const place = await findPlace(vsphere, wanted);
    const used = new Map([2000, 32_000].map((key) => [key, MiB]));
    const given = { vm: judged(), wanted, place, thin: true, used, run: wanted.name, by: 'vddk' } as const;
    const fitting = await judgePlace(vsphere, given);
    const mark = { run: wanted.name, point: 'p-1' };
    const how: SpecOptions = {
      name: wanted.name,
      fitting,
      mark,
      mac: 'new',
      identity: 'new',
      connect: false,
      thin: true,
    };
    const { object } = await makeVm(vsphere, given.vm, { ...how, place });
    await judgePlace(vsphere, given);
    await noteDisks(vsphere, object, wanted.name, () => ({ begun: new Set([2000]) }));
    await expect(judgePlace(vsphere, given)).rejects.toThrow(
      `the datastore "tight" has ${4 * MiB} bytes free, ${5 * MiB} are needed`,
    );
    await judgePlace(vsphere, { ...given, isReplaced: true });
    // An import does not write to it.
    await judgePlace(vsphere, { ...given, by: 'https' });
    await noteDisks(vsphere, object, wanted.name, () => ({ copied: new Set([2000]) }));
    await judgePlace(vsphere, given);
    await removeUnfinished(vsphere, wanted.name);
  });
});

describe('what speaks against a VM is found before it is made', () => {
  it('all at once', async () => {
    await vcenter.addVm({ name: 'there', disks: [{ capacity: MiB }] });
    await vcenter.fault('hardware', { newest: 13 });
    const wanted = to({
      name: 'there',
      datastore: 'small',
      disks: new Map([[32_000, 'nowhere']]),
      networks: new Map([['VM Network', 'no such']]),
    });
    const error = await make(wanted).then(() => '', String);
    for (const part of [
      'there is no datastore "nowhere", but',
      'there is no network "no such", but',
      `the datastore "small" has ${MiB} bytes free, ${4 * MiB} are needed`,
      'the hardware version is vmx-15, and the hosts there make up to vmx-13',
      'there is "there" in /DC1/vm already',
    ])
      expect(error).toContain(part);
  });

  it.each([
    [{ folder: '/DC1/vm/none' }, 'no folder of VMs'],
    [{ pool: '/DC1/host/none' }, 'no pool, cluster or host'],
    [{ name: 'a/b' }, 'is no name of a VM'],
  ])('%j', async (more, message) => {
    await expect(make(to(more))).rejects.toThrow(message);
  });

  it('a privilege that is missing, with the object and the role', async () => {
    await vcenter.fault('privileges', { missing: 'Network.Assign,VirtualMachine.Inventory.Create' });
    const wanted = to();
    await expect(make(wanted)).rejects.toThrow(
      /lacks on the folder: VirtualMachine\.Inventory\.Create \(to make the VM\); on the networks: Network\.Assign/,
    );
    expect(await vcenter.findVm(wanted.name)).toBeNull();
  });
});

describe('the role for restores', () => {
  it('is asked for by `credentials test --for restore`, and backups are not asked for it', async () => {
    await vcenter.fault('privileges', {
      missing: 'VirtualMachine.Inventory.Create,VirtualMachine.State.CreateSnapshot',
    });
    const spec = { ...vcenter, type: 'vsphere', ca: null, transports: ['https'] } as unknown as VsphereSourceSpec;
    const login = { user: vcenter.user, password: vcenter.password };
    const missing = async (purpose: 'backup' | 'restore'): Promise<string[]> =>
      (await testLogin(spec, login, purpose, AbortSignal.timeout(20_000))).missing.map(({ privilege }) => privilege);
    expect(await missing('restore')).toEqual(['VirtualMachine.Inventory.Create']);
    expect(await missing('backup')).toEqual(['VirtualMachine.State.CreateSnapshot']);
  });

  it('is in the documentation, in the table and as a command', () => {
    const page = readFileSync(join(packageRoot, 'docs/vsphere.md'), 'utf8');
    const section = page.slice(page.indexOf('### A role for restores'), page.indexOf('## Trouble'));
    const [, command = ''] = section.split('govc role.create');
    for (const { privilege } of restorePrivileges(['vddk', 'https', 'ssh'], { judged: true })) {
      expect(section).toContain(`\`${privilege}\``);
      if (!privilege.startsWith('System.')) expect(command.split(/\s+/)).toContain(privilege);
    }
  });
});
