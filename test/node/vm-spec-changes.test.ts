import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { connectVsphere } from '../../src/node/vsphere/connect.ts';
import { vmConfigChanges } from '../../src/node/vsphere/vm-config-changes.ts';
import { validatorOf } from '../../src/schemas/validator.ts';
import type { VmConfig, VmSpecChanges } from '../../src/schemas/types.ts';
import { startVcenter } from '../simulators/vcenter/start-vcenter.ts';
import { ask, raw } from './raw-request.ts';
import { finished, MiB, target, testNode, workshop } from './support.ts';

const allocation = { reservation: 0, limit: -1, shares: 1000 };
const network = (key: number): VmConfig['networks'][number] => ({
  key,
  label: `Network adapter ${key - 3999}`,
  type: 'VirtualVmxnet3',
  controller_key: 100,
  unit: 7,
  mac: '00:50:56:01:02:03',
  mac_type: 'manual',
  network: 'VM Network',
  portgroup: null,
  switch_uuid: null,
  opaque_id: null,
  connected: true,
  start_connected: true,
});
const disk = (key: number): VmConfig['disks'][number] => ({
  key,
  label: `Hard disk ${key - 1999}`,
  controller_key: 1000,
  unit: key - 2000,
  address: `scsi0:${key - 2000}`,
  capacity_bytes: 4 * MiB,
  mode: 'persistent',
  backing: 'flat',
  thin: true,
  sharing: null,
  datastore: 'LocalDS_0',
  file: `[LocalDS_0] pgtest1/${key}.vmdk`,
  uuid: `6000C29${key}`,
  in_restore_point: true,
});
const base: VmConfig = {
  format: 'sendense-vm-config/1',
  taken: 1000,
  name: 'pgtest1',
  path: '/DC1/vm/pgtest1',
  moref: 'vm-57',
  instance_uuid: 'i',
  bios_uuid: 'b',
  vsphere: 'VMware vCenter Server 8.0.3',
  datacenter: 'DC1',
  folder: '/DC1/vm',
  resource_pool: 'Resources',
  host: 'esx1.example.com',
  guest_id: 'debian12_64Guest',
  guest_name: 'Debian 12',
  annotation: '',
  hardware_version: 'vmx-19',
  firmware: 'efi',
  secure_boot: false,
  boot: { delay_ms: 0, retry: false, retry_delay_ms: null, enter_setup: false, order: ['disk 2000', 'ethernet 4000'] },
  cpu: { count: 2, cores_per_socket: 1, hot_add: false, hot_remove: false, nested: false, allocation },
  memory: { bytes: 1024 * MiB, hot_add: false, reservation_locked: false, allocation },
  security: { virtualization_based: false, iommu: false, encrypted: false, tpm: false },
  change_tracking: true,
  controllers: [
    {
      key: 1000,
      type: 'ParaVirtualSCSIController',
      label: 'SCSI controller 0',
      bus: 0,
      sharing: 'noSharing',
      scsi_unit: 7,
    },
  ],
  disks: [disk(2000), disk(2001)],
  networks: [network(4000), network(4001)],
  others: [],
  vapp: [],
  extra_config: [
    { key: 'disk.EnableUUID', value: 'TRUE' },
    { key: 'guestinfo.vmtools.versionNumber', value: '12352' },
  ],
  secrets_dropped: 0,
  vmx: { file: '[LocalDS_0] pgtest1/pgtest1.vmx', text: 'x' },
  nvram: null,
  warnings: [],
};

test('each thing that somebody set up is a difference, with what it was and is', () => {
  const [first, second] = base.disks;
  const after: VmConfig = {
    ...base,
    cpu: { ...base.cpu, count: 4 },
    firmware: 'bios',
    boot: { ...base.boot, order: ['ethernet 4000', 'disk 2000'] },
    host: 'esx2.example.com',
    annotation: 'moved',
    disks: [{ ...first!, capacity_bytes: 8 * MiB }, disk(2002)],
    networks: [network(4000), { ...network(4001), network: 'DMZ' }],
    others: [
      {
        key: 8000,
        type: 'VirtualCdrom',
        label: 'CD/DVD',
        summary: '',
        controller_key: 200,
        unit: 0,
        backing: null,
        start_connected: false,
      },
    ],
    extra_config: [
      { key: 'disk.EnableUUID', value: 'FALSE' },
      { key: 'a/b~c', value: '1' },
    ],
  };
  expect(vmConfigChanges(base, after)).toEqual([
    { path: '/annotation', kind: 'settings', change: 'changed', before: '', after: 'moved' },
    { path: '/boot/order', kind: 'firmware', change: 'changed', before: base.boot.order, after: after.boot.order },
    { path: '/cpu/count', kind: 'hardware', change: 'changed', before: 2, after: 4 },
    { path: '/disks/2000/capacity_bytes', kind: 'disks', change: 'changed', before: 4 * MiB, after: 8 * MiB },
    { path: '/disks/2001', kind: 'disks', change: 'removed', before: second, after: null },
    { path: '/disks/2002', kind: 'disks', change: 'added', before: null, after: disk(2002) },
    { path: '/extra_config/a~1b~0c', kind: 'settings', change: 'added', before: null, after: '1' },
    { path: '/extra_config/disk.EnableUUID', kind: 'settings', change: 'changed', before: 'TRUE', after: 'FALSE' },
    { path: '/firmware', kind: 'firmware', change: 'changed', before: 'efi', after: 'bios' },
    { path: '/host', kind: 'placement', change: 'changed', before: 'esx1.example.com', after: 'esx2.example.com' },
    { path: '/networks/4001/network', kind: 'networks', change: 'changed', before: 'VM Network', after: 'DMZ' },
    { path: '/others/8000', kind: 'devices', change: 'added', before: null, after: after.others[0] },
  ]);
});

test('what changes by itself while a VM runs, and the order of lists, is no difference', () => {
  const after: VmConfig = {
    ...base,
    taken: 2000,
    vsphere: 'VMware vCenter Server 8.0.4',
    vmx: null,
    nvram: { file: 'x', sha256: '0'.repeat(64), base64: '' },
    warnings: ['x'],
    secrets_dropped: 3,
    networks: base.networks.map((one) => ({ ...one, connected: false })),
    extra_config: [
      { key: 'guestinfo.vmtools.versionNumber', value: '12400' },
      { key: 'ethernet0.pciSlotNumber', value: '192' },
      { key: 'disk.EnableUUID', value: 'TRUE' },
    ],
  };
  expect(vmConfigChanges(base, after)).toEqual([]);
  fc.assert(
    fc.property(
      fc.shuffledSubarray(base.disks, { minLength: 2 }),
      fc.shuffledSubarray(base.networks, { minLength: 2 }),
      (disks, networks) => {
        expect(vmConfigChanges(base, { ...base, disks, networks })).toEqual([]);
      },
    ),
  );
});

test('a name like __proto__ is a name', () => {
  const after = { ...base, extra_config: [...base.extra_config, { key: '__proto__', value: '1' }] };
  expect(vmConfigChanges(base, after)).toEqual([
    { path: '/extra_config/__proto__', kind: 'settings', change: 'added', before: null, after: '1' },
  ]);
});

test('the configuration that a job saved is compared with the VM as it is now', { timeout: 300_000 }, async () => {
  await using at = await workshop();
  await using vcenter = await startVcenter();
  await using node = await testNode(at);
  const vm = await vcenter.addVm({ name: 'pgtest1', cbt: true, cpus: 2, disks: [{ capacity: MiB }] });
  const flat = {
    vm_name: 'pgtest1',
    vm_path: vm.path,
    vcenter_host: `${vcenter.host}:${vcenter.port}`,
    vcenter_user: vcenter.user,
    vcenter_password: vcenter.password,
    vcenter_thumbprint: vcenter.thumbprint,
  };
  await using to = await target(at, 'to', MiB);
  await node.api.startBackup({
    ...flat,
    job_id: 'full',
    nbd_targets: `${vm.disks[0]!.key}:${to.uri}`,
    backup_type: 'full',
  });
  expect(await finished(node.api, 'full')).toMatchObject({ status: 'succeeded' });
  await node.api.getVmConfig('full', at.path('vm.json'));
  const since = JSON.parse(await readFile(at.path('vm.json'), 'utf8')) as VmConfig;
  const request = {
    source: {
      type: 'vsphere',
      name: 'test',
      host: vcenter.host,
      port: vcenter.port,
      user: vcenter.user,
      credential: null,
      thumbprint: vcenter.thumbprint,
      ca: null,
      path: vm.path,
      moref: null,
      quiesce: 'try',
      cbt: 'auto',
      foreign_snapshots: 'refuse',
      transports: ['https'],
      vddk: null,
      ssh: null,
      disks_per_host: 8,
    },
    vcenter_user: vcenter.user,
    vcenter_password: vcenter.password,
    since,
  };
  const look = async (): Promise<VmSpecChanges> => {
    const answer = await ask<VmSpecChanges>(node, 'POST', '/api/v1/vm-spec-changes', request);
    expect(validatorOf('node/vm-spec-changed.json')(answer)).toBe(true);
    return answer;
  };
  expect(await look()).toMatchObject({ vm_name: 'pgtest1', path: vm.path, since: since.taken, changes: [] });
  {
    await using vsphere = await connectVsphere({ ...vcenter, ca: null });
    const spec = { fields: [['annotation', 'bigger'], ['numCPUs', 4], ['memoryMB', 4096]] } as const; // oxfmt-ignore
    await vsphere.task('ReconfigVM_Task', { type: 'VirtualMachine', value: vm.moref }, [['spec', spec]]);
  }
  await vm.resizeDisk(0, 2 * MiB);
  await vm.addDisk({ capacity: MiB });
  const { changes } = await look();
  expect(changes.map(({ path, kind, after }) => [path, kind, after])).toEqual([
    ['/annotation', 'settings', 'bigger'],
    ['/cpu/count', 'hardware', 4],
    ['/disks/2000/capacity_bytes', 'disks', 2 * MiB],
    ['/disks/2001', 'disks', expect.objectContaining({ capacity_bytes: MiB })],
    ['/memory/bytes', 'hardware', 4096 * MiB],
  ]);
  expect(await vm.snapshots()).toEqual([]);
  await node.api.remove('full');
  for (const [change, field] of [
    [{ since: { ...since, disks: 'none' } }, '/since/disks'],
    [{ since: undefined }, '/since'],
    [{ source: { type: 'image', disks: [] } }, '/source/disks'],
  ] as const) {
    const answer = await raw(node, 'POST', '/api/v1/vm-spec-changes', JSON.stringify({ ...request, ...change }));
    expect([answer.status, answer.body.field]).toEqual([400, field]);
  }
});
