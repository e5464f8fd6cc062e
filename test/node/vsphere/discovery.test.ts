import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connectVsphere, type Moref } from '../../../src/node/vsphere/connect.ts';
import type { Vsphere } from '../../../src/node/vsphere/vsphere.ts';
import { listVms } from '../../../src/node/vsphere/list-vms.ts';
import { addPrivilegeFindings, privilegeFindings } from '../../../src/node/vsphere/privilege-findings.ts';
import { snapshotDescription, snapshotName } from '../../../src/node/vsphere/snapshot-mark.ts';
import { vmFacts } from '../../../src/node/vsphere/vm-facts.ts';
import { describeErrors, validatorOf } from '../../../src/schemas/validator.ts';
import type { VsphereSourceSpec, VsphereVm } from '../../../src/schemas/types.ts';
import type { SimulatedVm, VmSpec } from '../../simulators/vcenter/simulated-vm.ts';
import { startVcenter, type Vcenter } from '../../simulators/vcenter/start-vcenter.ts';

const MiB = 1024 * 1024;
const idle = 1000;
let vcenter: Vcenter;
let vsphere: Vsphere;
let number = 0;

beforeAll(async () => {
  vcenter = await startVcenter({ vms: idle });
  vsphere = await connectVsphere({ ...vcenter, ca: null });
}, 300_000);
afterEach(() => vcenter.clearFaults());
afterAll(async () => {
  await vsphere?.[Symbol.asyncDispose]();
  await vcenter?.[Symbol.asyncDispose]();
});

const newVm = (spec: Partial<VmSpec> = {}): Promise<SimulatedVm> =>
  vcenter.addVm({ name: `found-${++number}`, disks: [{ capacity: 4 * MiB }], cbt: true, ...spec });
const reference = (vm: SimulatedVm): Moref => ({ type: 'VirtualMachine', value: vm.moref });
const codes = ({ findings }: VsphereVm): string[] => findings.map(({ level, code }) => `${level} ${code}`).sort();

const facts = async (vm: SimulatedVm): Promise<VsphereVm> => {
  const found = await vmFacts(vsphere, reference(vm));
  assertValid([found]);
  return found;
};

function assertValid(vms: readonly VsphereVm[]): void {
  const validate = validatorOf('node/inventory.json');
  const about = { api_type: 'VirtualCenter', api_version: '8.0', full_name: 'x', instance_uuid: null };
  expect(validate({ about, vms, warnings: [] }), describeErrors(validate.errors)).toBe(true);
}

describe('a VM', () => {
  it('is told with all that a backup depends on', async () => {
    const vm = await newVm({ folder: 'a/b', hardwareVersion: 19 });
    expect(await facts(vm)).toMatchObject({
      path: `/DC1/vm/a/b/${vm.name}`,
      moref: vm.moref,
      name: vm.name,
      instance_uuid: vm.instanceUuid,
      bios_uuid: vm.biosUuid,
      template: false,
      power_state: 'poweredOn',
      connection_state: 'connected',
      hardware_version: 'vmx-19',
      tools: 'running',
      host: expect.any(String) as string,
      datacenter: 'DC1',
      cbt: { supported: true, enabled: true },
      snapshots: [],
      consolidation_needed: false,
      last_revert: null,
      findings: [],
    });
  });

  it('has disks whose keys, controllers and units are those of vSphere', async () => {
    const vm = await newVm({
      disks: [
        { capacity: 4 * MiB, controller: 'scsi0', unit: 1 },
        { capacity: 8 * MiB, controller: 'scsi1', unit: 1 },
        { capacity: 4 * MiB, controller: 'sata0' },
        { capacity: 4 * MiB, controller: 'nvme0' },
        { capacity: 4 * MiB, controller: 'ide0' },
        { capacity: 4 * MiB, controller: 'scsi0', unit: 5, key: 4711 },
      ],
    });
    const { disks } = await facts(vm);
    expect(disks.map(({ address, controller_type: type }) => [address, type])).toEqual([
      ['scsi0:1', 'ParaVirtualSCSIController'],
      ['scsi1:1', 'ParaVirtualSCSIController'],
      ['sata0:0', 'VirtualAHCIController'],
      ['nvme0:0', 'VirtualNVMEController'],
      ['ide0:0', 'VirtualIDEController'],
      ['scsi0:5', 'ParaVirtualSCSIController'],
    ]);
    expect(disks.map(({ key }) => key)).toEqual(vm.disks.map(({ key }) => key));
    expect(disks[5]?.key).toBe(4711);
    expect(disks.map(({ uuid }) => uuid)).toEqual(vm.disks.map(({ uuid }) => uuid));
    expect(disks.map(({ capacity_bytes: bytes }) => bytes)).toEqual(vm.disks.map(({ capacity }) => capacity));
    expect(disks[0]).toMatchObject({
      datastore: vcenter.datastore,
      file: vm.disks[0]!.fileName,
      mode: 'persistent',
      backing: 'flat',
      has_parent: false,
      protected: true,
    });
  });

  it('says which disks take no part in snapshots, and why', async () => {
    const vm = await newVm({
      disks: [
        { capacity: 4 * MiB },
        { capacity: 4 * MiB, mode: 'independent_persistent' },
        { capacity: 4 * MiB, backing: 'rdm-physical' },
        { capacity: 4 * MiB, backing: 'rdm-virtual' },
        { capacity: 4 * MiB, backing: 'sesparse' },
        { capacity: 4 * MiB, backing: 'parent' },
      ],
    });
    const found = await facts(vm);
    expect(found.disks.map((disk) => [disk.backing, disk.protected])).toEqual([
      ['flat', true],
      ['flat', false],
      ['rdm-physical', false],
      ['rdm-virtual', true],
      ['sesparse', true],
      ['flat', true],
    ]);
    expect(codes(found)).toEqual([
      'weakens disk.independent',
      'weakens disk.parent',
      'weakens disk.rdm',
      'weakens disk.rdm-virtual',
    ]);
    expect(found.findings[0]?.message).toContain('Hard disk 2 (scsi0:1) is not protected');
  });

  it('with nothing that can be frozen cannot be backed up', async () => {
    const vm = await newVm({ disks: [{ capacity: 4 * MiB, mode: 'independent_persistent' }] });
    expect(codes(await facts(vm))).toContain('stops vm.nothing-protected');
  });

  it('tells snapshots of ours from others', async () => {
    const vm = await newVm();
    const mark = { job: 'job-1', backup: 'b-1', node: 'n', time: Date.now() };
    const ours = await vm.snapshot(snapshotName(mark), snapshotDescription(mark));
    expect(codes(await facts(vm))).toEqual(['weakens snapshot.ours']);
    const theirs = await vm.snapshot('before the update', 'by hand');
    const { snapshots, ...rest } = await facts(vm);
    expect(snapshots).toMatchObject([
      { moref: ours, ours: true, current: false, quiesced: false },
      { moref: theirs, ours: false, current: true, name: 'before the update', description: 'by hand' },
    ]);
    expect(Math.abs(snapshots[0]!.created - Date.now())).toBeLessThan(60_000);
    expect(codes({ snapshots, ...rest })).toContain('stops snapshot.foreign');
    expect(rest.findings.find(({ code }) => code === 'snapshot.foreign')?.message).toContain('before the update');
  });

  it.each([
    [{ cbt: false }, 'weakens cbt.off'],
    [{ cbt: false, hardwareVersion: 4 }, 'weakens cbt.unsupported'],
    [{ tools: false }, 'weakens tools.not-running'],
  ] as const)('of %j is told: %s', async (spec, finding) => {
    expect(codes(await facts(await newVm(spec)))).toEqual([finding]);
  });

  it('that is off needs no tools', async () => {
    const found = await facts(await newVm({ tools: false, poweredOn: false }));
    expect(found).toMatchObject({ power_state: 'poweredOff', findings: [] });
  });

  it('is told with its last revert, and since when one would be known', async () => {
    const vm = await newVm();
    const before = Date.now();
    const snapshot = await vm.snapshot('before the upgrade');
    const since = (await facts(vm)).reverts_known_since ?? 0;
    // The clocks of both are this machine's, measured over the network.
    expect(Math.abs(since - before)).toBeLessThan(60_000);
    expect((await facts(vm)).last_revert).toBeNull();
    await vm.revert(snapshot);
    const found = await facts(vm);
    expect(found.last_revert).toBeGreaterThanOrEqual(since);
    expect(codes(found)).toEqual(['stops snapshot.foreign']);
  });

  it('is told without its reverts where events may not be read, and says so', async () => {
    await vcenter.fault('no-permission', { method: 'QueryEvents', privilege: 'System.View' });
    const found = await facts(await newVm());
    expect(found).toMatchObject({ last_revert: null, reverts_known_since: null });
    expect(codes(found)).toEqual(['weakens events.unreadable']);
    expect(found.findings[0]?.message).toContain('System.View');
    expect(codes(await facts(await newVm({ cbt: false })))).toEqual(['weakens cbt.off']);
  });
});

describe('privileges that a backup needs', () => {
  const lack = (missing: string, more = {}) => vcenter.fault('privileges', { missing, ...more });
  const lacking = async (vm: SimulatedVm, transports: VsphereSourceSpec['transports'] = ['https']): Promise<string[]> =>
    (await privilegeFindings(vsphere, await facts(vm), transports)).map(({ level, code }) => `${level} ${code}`);
  const state = 'VirtualMachine.State.CreateSnapshot,VirtualMachine.State.RemoveSnapshot';

  it('are not spoken of where the user has them', async () => {
    expect(await lacking(await newVm())).toEqual([]);
  });

  it.each([
    [state, 'stops privilege.snapshot'],
    ['Datastore.FileManagement', 'weakens privilege.datastore'],
  ])('of %s are told: %s', async (missing, finding) => {
    await lack(missing);
    expect(await lacking(await newVm())).toEqual([finding]);
  });

  it('name user, privilege and use', async () => {
    await lack(state);
    const [finding] = await privilegeFindings(vsphere, await facts(await newVm()), ['https']);
    expect(finding?.message).toMatch(
      /^the user .+ lacks on it: VirtualMachine\.State\.CreateSnapshot \(to freeze .*\), VirtualMachine\.State\.RemoveSnapshot \(to remove .*\)$/,
    );
  });

  it('are those of the transports that may be taken', async () => {
    await lack('VirtualMachine.Provisioning.DiskRandomRead');
    const vm = await newVm();
    expect(await lacking(vm)).toEqual([]);
    expect(await lacking(vm, ['vddk', 'https'])).toEqual(['weakens privilege.vddk']);
  });

  it('to switch tracking on matter where it is off', async () => {
    await lack('VirtualMachine.Config.ChangeTracking');
    expect(await lacking(await newVm())).toEqual([]);
    expect(await lacking(await newVm({ cbt: false }))).toEqual(['weakens privilege.tracking']);
  });

  it('are not spoken of where the server does not tell', async () => {
    await vcenter.fault('method', { method: 'HasPrivilegeOnEntities', fault: 'NotSupported' });
    expect(await lacking(await newVm())).toEqual([]);
  });

  it('are told of all VMs, by one question where the user has them at the root', async () => {
    const { vms } = await listVms(vsphere);
    const questions = async (): Promise<number> =>
      (await vcenter.calls()).filter(({ method }) => method === 'HasPrivilegeOnEntities').length;
    await vcenter.clearCalls();
    expect(await addPrivilegeFindings(vsphere, vms, ['https'])).toEqual(vms);
    expect(await questions()).toBe(1);
    await lack(state);
    const found = await addPrivilegeFindings(vsphere, vms, ['https']);
    expect(found.every((vm) => codes(vm).includes('stops privilege.snapshot'))).toBe(true);
    expect(await questions()).toBeLessThan(8);
  });

  it('of a user who has them on one VM only are told of the others', async () => {
    const [mine, other] = [await newVm(), await newVm()];
    const { rootFolder } = vsphere.content;
    for (const object of [rootFolder?.value ?? '', other.moref]) await lack(state, { object });
    const vms = (await listVms(vsphere)).vms.filter(({ moref }) => [mine.moref, other.moref].includes(moref));
    const found = await addPrivilegeFindings(vsphere, vms, ['https']);
    expect(found.map((vm) => [vm.moref, codes(vm).join()]).toSorted()).toEqual(
      [
        [mine.moref, ''],
        [other.moref, 'stops privilege.snapshot'],
      ].toSorted(),
    );
  });
});

describe('the list of all VMs', () => {
  // test/bench has the figure that counts; this machine may be busy.
  it('has each once with path and findings, and soon, for a thousand', async () => {
    const vm = await newVm({ folder: 'list' });
    const start = performance.now();
    const { vms, warnings } = await listVms(vsphere);
    expect(performance.now() - start).toBeLessThan(20_000);
    expect(warnings).toEqual([]);
    expect(new Set(vms.map(({ moref }) => moref)).size).toBe(vms.length);
    expect(vms.length).toBeGreaterThan(idle);
    expect(vms.find(({ moref }) => moref === vm.moref)).toEqual(await facts(vm));
    expect(vms.map(({ path }) => path)).toEqual(vms.map(({ path }) => path).toSorted());
    assertValid(vms);
  });

  it('is made with few calls, however many VMs there are', async () => {
    await vcenter.clearCalls();
    await listVms(vsphere);
    expect((await vcenter.calls()).length).toBeLessThan(40);
  });
});
