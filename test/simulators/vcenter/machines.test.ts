import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runTool } from '../../../src/host/programs/process.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';
import { element, elements, rawSoap } from './raw-soap.ts';
import { startVcenter } from './start-vcenter.ts';
import { MiB, block, filled, workshop } from './workshop.ts';

const shop = workshop();

describe('machines', () => {
  test('have disk keys that depend on the controller, and disks that no snapshot covers', async () => {
    const vm = await shop.machine({
      disks: [
        { capacity: MiB },
        { capacity: MiB, controller: 'scsi1', unit: 0 },
        { capacity: MiB, controller: 'sata0' },
        { capacity: MiB, controller: 'nvme0' },
        { capacity: MiB, controller: 'ide0' },
        { capacity: MiB, mode: 'independent_persistent' },
        { capacity: MiB, backing: 'rdm-physical' },
        { capacity: MiB, backing: 'sesparse' },
        { capacity: MiB, backing: 'parent' },
      ],
    });
    const disks = await shop.disksOf('VirtualMachineSnapshot', await shop.create(vm));
    expect(disks.map((disk) => Number(element(disk, 'key')))).toEqual([
      2000, 2016, 16000, 32000, 3000, 2001, 2002, 2003, 2004,
    ]);
    expect(disks.map((disk) => element(disk, 'changeId') !== '')).toEqual([
      true,
      true,
      true,
      true,
      true,
      false,
      false,
      true,
      true,
    ]);
    expect(disks.slice(5).map((disk) => /backing[^>]*type="(\w+)"/.exec(disk)?.[1])).toEqual([
      'VirtualDiskFlatVer2BackingInfo',
      'VirtualDiskRawDiskMappingVer1BackingInfo',
      'VirtualDiskSeSparseBackingInfo',
      'VirtualDiskFlatVer2BackingInfo',
    ]);
    expect(elements(disks[8] ?? '', 'fileName').length).toBe(2);
    expect(new Set(disks.map((disk) => element(disk, 'uuid'))).size).toBe(9);
  });

  test('get disks added, removed, resized and swapped', async () => {
    const vm = await shop.machine({ disks: [{ capacity: MiB }, { capacity: 2 * MiB, controller: 'scsi1' }] });
    const [first, second] = vm.disks.map((disk) => disk.uuid);
    await vm.swapDisks(0, 1);
    expect(vm.disks.map((disk) => [disk.key, disk.uuid])).toEqual([
      [2000, second],
      [2016, first],
    ]);
    await vm.resizeDisk(0, 4 * MiB);
    await vm.addDisk({ capacity: MiB, controller: 'nvme0' });
    await vm.removeDisk(1);
    expect(vm.disks.map((disk) => [disk.key, disk.capacity])).toEqual([
      [2000, 4 * MiB],
      [32000, MiB],
    ]);
    expect((await stat(vm.disks[0]?.flatFile ?? '')).size).toBe(4 * MiB);
  });

  test('lose their notes by an annotation that is there and empty, as at a vCenter', async () => {
    const vm = await shop.machine({ annotation: 'kept', disks: [] });
    const reconfigure = async (spec: string): Promise<string> => {
      await shop.soap.task('ReconfigVM_Task', 'VirtualMachine', vm.moref, `<spec>${spec}</spec>`);
      return shop.soap.property('VirtualMachine', vm.moref, 'config.annotation');
    };
    expect(await reconfigure('<memoryMB>64</memoryMB>')).toContain('kept');
    await shop.vcenter.fault('empty-notes-stay', { count: 1 });
    expect(await reconfigure('<annotation></annotation>')).toContain('kept');
    await shop.vcenter.clearFaults();
    expect(await reconfigure('<annotation></annotation>')).not.toContain('kept');
    expect(await reconfigure('<annotation>new</annotation>')).toContain('new');
    expect(await reconfigure('<annotation/>')).not.toContain('new');
  });

  test('have a configuration worth saving', async () => {
    const nvram = Buffer.from('the firmware remembers');
    const vm = await shop.machine({
      folder: 'a/b',
      name: '50%25 off%2fnow',
      annotation: 'kept',
      firmware: 'efi',
      nvram,
      networks: [{ name: 'VM Network', mac: '00:50:56:80:aa:01' }, { name: 'DC0_DVPG0' }],
    });
    expect(vm.path).toBe('/DC1/vm/a/b/50%25 off%2fnow');
    const config = await shop.soap.property('VirtualMachine', vm.moref, 'config');
    for (const text of [
      '<annotation>kept<',
      '<firmware>efi<',
      `<instanceUuid>${vm.instanceUuid}<`,
      '00:50:56:80:aa:01',
    ])
      expect(config).toContain(text);
    const files = await shop.soap.property('VirtualMachine', vm.moref, 'layoutEx.file');
    expect(files).toContain('<type>nvram</type>');
    const name = encodeURIComponent(vm.name);
    const got = await shop.soap.get(`/folder/${name}/${name}.nvram?dcPath=DC1&dsName=LocalDS_0`);
    expect(got.body).toEqual(nvram);
  });
});

test('an independent client, pyvmomi, sees what we see', async () => {
  await using other = await startVcenter();
  await using work = await temporaryFolder();
  await writeFile(work.file('raw'), filled(5, MiB));
  const options = 'subformat=streamOptimized,adapter_type=lsilogic,compat6=on';
  await runTool(
    'qemu-img',
    ['convert', '-f', 'raw', '-O', 'vmdk', '-o', options, work.file('raw'), work.file('vmdk')],
    {
      timeoutMs: 20_000,
    },
  );
  const vm = await other.addVm({
    name: 'judged',
    cbt: true,
    disks: [{ capacity: MiB }, { capacity: MiB, controller: 'scsi1' }],
  });
  await vm.write(1, 0, filled(1));
  const { stdout } = await runTool(
    '/usr/bin/python3',
    [join(import.meta.dirname, 'judge.py'), String(other.port), other.user, 'judged', work.file('vmdk')],
    { input: other.password, timeoutMs: 20_000 },
  );
  expect(JSON.parse(stdout)).toEqual({
    vms: ['judged'],
    keys: [2000, 2016],
    parent: ['[LocalDS_0] judged/judged.vmdk', '[LocalDS_0] judged/judged_1.vmdk'],
    frozen: ['[LocalDS_0] judged/judged.vmdk', '[LocalDS_0] judged/judged_1.vmdk'],
    changed: [
      [MiB, []],
      [MiB, [[0, block]]],
    ],
    snapshot: true,
    chain: [true, true],
    created: [2000, 2001],
    attached: ['poweredOn', 2009, true, 1024],
    beside: [false, false, true],
    destroyed: true,
    lease: ['ready', '/imported/VirtualLsiLogicController0:0', 'done'],
    upload: 200,
    hardware: 'vmx-21',
  });
  expect(await readFile((await other.findVm('imported'))?.disks[0]?.flatFile ?? '')).toEqual(filled(5, MiB));
});

test('a bare ESXi host', async () => {
  await using host = await startVcenter({ esx: true });
  const raw = rawSoap(host);
  expect(await raw.call('RetrieveServiceContent', 'ServiceInstance', 'ServiceInstance')).toContain('HostAgent');
  await raw.login();
  const vm = await host.addVm({ name: 'alone', disks: [{ capacity: MiB }] });
  expect(vm.path).toBe('/ha-datacenter/vm/alone');
  const path = '/folder/alone/alone-flat.vmdk?dcPath=ha-datacenter&dsName=LocalDS_0';
  expect((await raw.get(path, { method: 'HEAD' })).status).toBe(200);
});

test('many machines that hold nothing', async () => {
  await using many = await startVcenter({ vms: 200 });
  const raw = rawSoap(many);
  await raw.login();
  const args = '<container type="Folder">group-d1</container><type>VirtualMachine</type><recursive>true</recursive>';
  const view = element(await raw.call('CreateContainerView', 'ViewManager', 'ViewManager', args), 'returnval');
  expect(elements(await raw.property('ContainerView', view, 'view'), 'ManagedObjectReference').length).toBe(200);
});
