import { copyFile, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { runTool } from '../../../src/host/programs/process.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';
import { element } from './raw-soap.ts';
import type { SimulatedVm } from './simulated-vm.ts';
import { card, controller, disk, spec, type NewVm } from './spec-xml.ts';
import { MiB, block, filled, pairs, workshop } from './workshop.ts';

const shop = workshop();
let folder = '';
let pool = '';
beforeAll(async () => {
  folder = await shop.soap.property('Datacenter', 'datacenter-2', 'vmFolder');
  pool = await shop.soap.property('ComputeResource', 'computeresource-23', 'resourcePool');
});

const create = (wanted: NewVm): Promise<string> =>
  shop.soap.task(
    'CreateVM_Task',
    'Folder',
    folder,
    `<config>${spec(wanted)}</config><pool type="ResourcePool">${pool}</pool>`,
  );
const reconfigure = (vm: SimulatedVm, change: string): Promise<string> =>
  shop.soap.task('ReconfigVM_Task', 'VirtualMachine', vm.moref, `<spec>${change}</spec>`);
const onVm = (method: string, vm: SimulatedVm): Promise<string> => shop.soap.task(method, 'VirtualMachine', vm.moref);
const found = async (name: string): Promise<SimulatedVm> => {
  const vm = await shop.vcenter.findVm(name);
  if (!vm) throw new Error(`no machine ${name}`);
  return vm;
};
const scsi = controller('VirtualLsiLogicController', -1, 0);
const oneDisk = disk({ controller: -1, unit: 0, bytes: MiB });

describe('CreateVM_Task', () => {
  test('makes what was asked for: controllers, keys, disks, address, identity', async () => {
    await shop.vcenter.addDatastore('second');
    await create({
      name: 'made',
      version: 'vmx-15',
      devices: [
        scsi,
        controller('VirtualAHCIController', -2, 1),
        disk({ controller: -1, unit: 3, bytes: MiB }),
        disk({ controller: -2, unit: 0, bytes: 2 * MiB, file: '[second]', thick: true }),
        disk({ controller: 200, unit: 1, bytes: MiB }),
        card(
          'VM Network',
          '<addressType>assigned</addressType><macAddress>00:50:56:81:00:07</macAddress><wakeOnLanEnabled>true</wakeOnLanEnabled>',
        ),
      ],
      more:
        '<annotation>of ours</annotation><firmware>efi</firmware><uuid>423d0000-1111-2222-3333-444455556666</uuid>' +
        '<extraConfig xsi:type="OptionValue"><key>disk.EnableUUID</key><value xsi:type="xsd:string" xmlns:xsd="http://www.w3.org/2001/XMLSchema">TRUE</value></extraConfig>',
    });
    const vm = await found('made');
    expect(vm.disks.map(({ key, capacity, datastore, thin }) => [key, capacity, datastore, thin])).toEqual([
      [2003, MiB, 'LocalDS_0', true],
      [16030, 2 * MiB, 'second', false],
      [3001, MiB, 'LocalDS_0', true],
    ]);
    expect(vm.biosUuid).toBe('423d0000-1111-2222-3333-444455556666');
    const config = await shop.soap.property('VirtualMachine', vm.moref, 'config');
    for (const text of ['>of ours<', '>efi<', '>vmx-15<', '00:50:56:81:00:07', '>disk.EnableUUID<'])
      expect(config).toContain(text);
    expect(config).toMatch(/VirtualLsiLogicController/);
    expect(config).toMatch(/<startConnected>false</);
    expect(vm.home).toBe(join(shop.vcenter.folder, 'LocalDS_0', 'made'));
    await onVm('Destroy_Task', vm);
    await expect(stat(vm.home)).rejects.toThrow('ENOENT');
    expect(await shop.vcenter.findVm('made')).toBeNull();
  });

  test('fails as a server does, and leaves nothing', async () => {
    await shop.machine({ name: 'taken' });
    await expect(create({ name: 'taken' })).rejects.toThrow('DuplicateName');
    await expect(create({ name: 'x'.repeat(81) })).rejects.toThrow('InvalidName');
    await expect(create({ name: 'a', version: 'vmx-99' })).rejects.toThrow('VirtualHardwareVersionNotSupported');
    await expect(create({ name: 'a', files: '[nowhere]' })).rejects.toThrow('InvalidDatastorePath');
    await expect(create({ name: 'a', devices: [card('no such network', '')] })).rejects.toThrow('InvalidDeviceBacking');
    await expect(create({ name: 'a', devices: [card('DC0_DVPG0', '')] })).rejects.toThrow('InvalidDeviceBacking');
    await expect(create({ name: 'a', devices: [oneDisk] })).rejects.toThrow('InvalidController');
    await expect(create({ name: 'a', devices: [scsi, disk({ controller: -1, unit: 7, bytes: MiB })] })).rejects.toThrow(
      'InvalidDeviceSpec',
    );
    await expect(create({ name: 'a', devices: [scsi, oneDisk, oneDisk] })).rejects.toThrow('InvalidDeviceSpec');
    await shop.vcenter.addDatastore('small', { free: MiB });
    const thick = disk({ controller: -1, unit: 0, bytes: 2 * MiB, file: '[small]', thick: true });
    await expect(create({ name: 'a', devices: [scsi, thick] })).rejects.toThrow('NoDiskSpace');
    for (const missing of [
      'VirtualMachine.Inventory.Create',
      'Resource.AssignVMToPool',
      'VirtualMachine.Config.AddNewDisk',
      'Datastore.AllocateSpace',
      'Network.Assign',
    ]) {
      await shop.vcenter.fault('privileges', { missing });
      await expect(create({ name: 'a', devices: [scsi, oneDisk, card('VM Network', '')] })).rejects.toThrow(
        'NoPermission',
      );
      await shop.vcenter.clearFaults();
    }
    await shop.vcenter.fault('create-vm', { count: 1, fault: 'NoCompatibleHost' });
    await expect(create({ name: 'a' })).rejects.toThrow('NoCompatibleHost');
    expect(await shop.vcenter.findVm('a')).toBeNull();
    await expect(stat(join(shop.vcenter.folder, 'LocalDS_0', 'a'))).rejects.toThrow('ENOENT');
  });
});

describe('a machine that is there', () => {
  test('starts and stops, with an address that is allowed', async () => {
    await create({
      name: 'reserved',
      devices: [card('VM Network', '<addressType>manual</addressType><macAddress>00:50:56:81:00:08</macAddress>')],
    });
    const vm = await found('reserved');
    await expect(onVm('PowerOnVM_Task', vm)).rejects.toThrow('GenericVmConfigFault');
    await reconfigure(
      vm,
      '<extraConfig xsi:type="OptionValue"><key>ethernet0.checkMACAddress</key><value xsi:type="xsd:string" xmlns:xsd="http://www.w3.org/2001/XMLSchema">FALSE</value></extraConfig>',
    );
    await onVm('PowerOnVM_Task', vm);
    expect(await vm.powerState()).toBe('poweredOn');
    expect((await stat(join(vm.home, 'reserved.nvram'))).size).toBeGreaterThan(0);
    await expect(onVm('Destroy_Task', vm)).rejects.toThrow('InvalidPowerState');
    await onVm('PowerOffVM_Task', vm);
    await expect(onVm('PowerOffVM_Task', vm)).rejects.toThrow('InvalidPowerState');
  });

  test('gets a disk while it runs, loses it, and keeps its file', async () => {
    const vm = await shop.machine({ disks: [{ capacity: MiB }] });
    await reconfigure(vm, disk({ controller: 1000, unit: 5, bytes: MiB }));
    await expect(reconfigure(vm, disk({ controller: 200, unit: 0, bytes: MiB }))).rejects.toThrow('InvalidPowerState');
    await vm.snapshots();
    await vm.write(1, 0, filled(9));
    const { fileName = '' } = vm.disks[1] ?? {};
    const detach =
      '<deviceChange><operation>remove</operation><device xsi:type="VirtualDisk"><key>2005</key></device></deviceChange>';
    await reconfigure(vm, detach);
    await vm.snapshots();
    expect(vm.disks.length).toBe(1);
    const other = await shop.machine({ poweredOn: false });
    await reconfigure(other, disk({ controller: 1000, unit: 1, bytes: MiB, file: fileName, attach: true }));
    await other.snapshots();
    expect((await readFile(other.disks[1]?.flatFile ?? '')).subarray(0, block)).toEqual(filled(9));
    // Of two machines that have a disk one can run. The disk keeps its UUID, and is no part of snapshots.
    const again = disk({
      controller: 1000,
      unit: 1,
      bytes: MiB,
      file: fileName,
      attach: true,
      mode: 'independent_persistent',
    });
    await reconfigure(vm, again);
    await expect(reconfigure(vm, again.replace('<unitNumber>1<', '<unitNumber>2<'))).rejects.toThrow('FileLocked');
    await expect(onVm('PowerOnVM_Task', other)).rejects.toThrow('FileLocked');
    await vm.snapshot('of somebody');
    await vm.snapshots();
    expect(vm.disks.map(({ key, fileName: file, uuid }) => [key, file === fileName, uuid])).toEqual([
      [2000, false, vm.disks[0]?.uuid],
      [2001, true, other.disks[1]?.uuid],
    ]);
    await reconfigure(
      vm,
      detach.replace('2005', '2001').replace('</operation>', '</operation><fileOperation>destroy</fileOperation>'),
    );
    await expect(stat(other.disks[1]?.flatFile ?? '')).rejects.toThrow('ENOENT');
  });

  test('moves to another datastore with its bytes', async () => {
    await shop.vcenter.addDatastore('third');
    const vm = await shop.machine({ name: 'mover' });
    await vm.write(0, block, filled(3));
    const third = /type="Datastore">([^<]*third[^<]*)</.exec(await shop.datastores())?.[1] ?? '';
    const to = `<spec><datastore type="Datastore">${third}</datastore></spec>`;
    await shop.soap.task('RelocateVM_Task', 'VirtualMachine', vm.moref, to);
    await vm.snapshots();
    expect(vm.disks[0]?.fileName).toBe('[third] mover/mover.vmdk');
    const moved = await readFile(join(shop.vcenter.folder, 'third/mover/mover-flat.vmdk'));
    expect(moved.subarray(block, 2 * block)).toEqual(filled(3));
    await expect(stat(join(shop.vcenter.folder, 'LocalDS_0/mover'))).rejects.toThrow('ENOENT');
  });
});

describe('files of a datastore', () => {
  test('are put and deleted by who has the privilege', async () => {
    const vm = await shop.machine();
    const path = `/folder/${vm.name}/${vm.name}.nvram?dcPath=DC1&dsName=LocalDS_0`;
    await shop.vcenter.fault('privileges', { missing: 'Datastore.FileManagement' });
    expect((await shop.soap.put(path, Buffer.from('no'))).status).toBe(403);
    await shop.vcenter.clearFaults();
    expect((await shop.soap.put(path, Buffer.from('firmware'))).status).toBe(200);
    expect((await shop.soap.get(path)).body.toString()).toBe('firmware');
    expect((await shop.soap.put(path.replace(`${vm.name}.nvram`, 'new.nvram'), Buffer.from('x'))).status).toBe(201);
    expect((await shop.soap.put(path.replace(`/${vm.name}/`, '/nowhere/'), Buffer.from('x'))).status).toBe(404);
    expect((await shop.soap.get(path, { method: 'DELETE' })).status).toBe(204);
    expect((await shop.soap.get(path)).status).toBe(404);
  });
});

describe('an import', () => {
  /** A disk of 1 MiB and some, as the stream that is uploaded. */
  async function stream(file: (name: string) => string, bytes = 4 * MiB): Promise<Buffer> {
    const raw = Buffer.alloc(bytes);
    filled(7).copy(raw, MiB);
    filled(8, 1000).copy(raw, bytes - 1000);
    await writeFile(file('raw'), raw);
    const options = 'subformat=streamOptimized,adapter_type=lsilogic,compat6=on';
    await runTool('qemu-img', ['convert', '-f', 'raw', '-O', 'vmdk', '-o', options, file('raw'), file('vmdk')], {
      timeoutMs: 20_000,
    });
    return readFile(file('vmdk'));
  }
  const begin = async (name: string, bytes = 4 * MiB): Promise<{ lease: string; url: string }> => {
    const devices = [scsi, disk({ controller: -1, unit: 0, bytes })];
    const lease = element(
      await shop.soap.call(
        'ImportVApp',
        'ResourcePool',
        pool,
        `<spec xsi:type="VirtualMachineImportSpec"><configSpec>${spec({ name, devices })}</configSpec></spec><folder type="Folder">${folder}</folder>`,
      ),
      'returnval',
    );
    const info = await shop.soap.property('HttpNfcLease', lease, 'info');
    expect(element(info, 'importKey')).toBe(`/${name}/VirtualLsiLogicController0:0`);
    return { lease, url: element(info, 'url').replace('https://*', '') };
  };
  const call = (method: string, lease: string, more = ''): Promise<string> =>
    shop.soap.call(method, 'HttpNfcLease', lease, more);
  const state = (lease: string): Promise<string> => shop.soap.property('HttpNfcLease', lease, 'state');
  const post = async (url: string, body: Buffer): Promise<number> =>
    (await shop.soap.put(url, body, { method: 'POST', headers: { cookie: '' } })).status;

  test('keeps the bytes of a stream, and blocks the machine meanwhile', async () => {
    await using work = await temporaryFolder();
    const { lease, url } = await begin('imported');
    const vm = await found('imported');
    await expect(onVm('PowerOnVM_Task', vm)).rejects.toThrow('InvalidState');
    expect(await post(url, await stream(work.file))).toBe(200);
    await call('HttpNfcLeaseProgress', lease, '<percent>100</percent>');
    await call('HttpNfcLeaseComplete', lease);
    expect(await state(lease)).toBe('done');
    await copyFile(vm.disks[0]?.flatFile ?? '', work.file('flat'));
    expect((await readFile(work.file('flat'))).equals(await readFile(work.file('raw')))).toBe(true);
    await expect(call('HttpNfcLeaseProgress', lease, '<percent>1</percent>')).rejects.toThrow('InvalidState');
    await onVm('PowerOnVM_Task', vm);
  });

  test('ends when nobody says how far it is, when it is aborted, and when a server loses it', async () => {
    await using work = await temporaryFolder();
    const bytes = await stream(work.file);
    await shop.vcenter.fault('lease-timeout', { count: 1, ms: 1000 });
    const slow = await begin('slow');
    while ((await state(slow.lease)) === 'ready') await delay(20);
    await expect(call('HttpNfcLeaseComplete', slow.lease)).rejects.toThrow('Timedout');
    expect(await post(slow.url, bytes)).toBe(404);
    const aborted = await begin('aborted');
    await call('HttpNfcLeaseAbort', aborted.lease);
    await shop.vcenter.fault('lease-lost', { count: 1, bytes: 100 });
    const lost = await begin('lost');
    await expect(post(lost.url, bytes)).rejects.toThrow();
    expect(await state(lost.lease)).toBe('error');
    for (const name of ['slow', 'aborted', 'lost']) {
      expect(await shop.vcenter.findVm(name)).toBeNull();
      await expect(stat(join(shop.vcenter.folder, 'LocalDS_0', name))).rejects.toThrow('ENOENT');
    }
  });

  test('refuses what is no such stream, and goes wrong on order', async () => {
    await using work = await temporaryFolder();
    const bytes = await stream(work.file);
    const { url, lease } = await begin('wrong');
    expect(await post(url, Buffer.alloc(4 * MiB, 1))).toBe(500);
    // Two grains of a sector each begin at 65536: without the marker of the end, and within the first.
    for (const length of [66_560, 66_000]) expect(await post(url, bytes.subarray(0, length))).toBe(500);
    expect(await post(url, await stream(work.file, 5 * MiB))).toBe(500);
    expect(await post(url.replace('disk-0', 'disk-9'), bytes)).toBe(404);
    await shop.vcenter.fault('nfc-status', { count: 1, status: 503 });
    expect(await post(url, bytes)).toBe(503);
    await shop.vcenter.fault('nfc-cut', { count: 1, bytes: 100 });
    await expect(post(url, bytes)).rejects.toThrow();
    await shop.vcenter.fault('nfc-short', { count: 1, bytes: MiB });
    expect(await post(url, bytes)).toBe(200);
    await call('HttpNfcLeaseComplete', lease);
    const flat = await readFile((await found('wrong')).disks[0]?.flatFile ?? '');
    expect([flat.length, flat.subarray(3 * MiB).every((byte) => byte === 0)]).toEqual([4 * MiB, true]);
    await shop.vcenter.fault('hardware', { newest: 13 });
    const refused = element(
      await shop.soap.call(
        'ImportVApp',
        'ResourcePool',
        pool,
        `<spec xsi:type="VirtualMachineImportSpec"><configSpec>${spec({ name: 'old' })}</configSpec></spec>`,
      ),
      'returnval',
    );
    expect([await state(refused), await shop.soap.property('HttpNfcLease', refused, 'error')].join()).toMatch(
      /^error,[^]*VirtualHardwareVersionNotSupported/,
    );
  });
});

describe('the stand-in library', () => {
  async function write(vm: SimulatedVm, offset: number, extra: readonly string[] = []): Promise<boolean> {
    await using work = await temporaryFolder();
    await writeFile(work.file('password'), shop.vcenter.password, { mode: 0o600 });
    const result = await runTool(
      'nbdkit',
      [
        '-U',
        '-',
        shop.vcenter.vddkPlugin ?? 'vddk',
        `libdir=${shop.vcenter.vddkLibdir}`,
        `server=${shop.vcenter.host}`,
        `user=${shop.vcenter.user}`,
        `password=+${work.file('password')}`,
        `thumbprint=${shop.vcenter.thumbprintSha1}`,
        `vm=moref=${vm.moref}`,
        `file=${vm.disks[0]?.fileName ?? ''}`,
        ...extra,
        '--run',
        `qemu-io -f raw -c 'write -P 5 ${offset} 65536' -c 'write -z 0 4096' -c flush "$uri" && echo written`,
      ],
      { env: shop.vcenter.vddkEnvironment, timeoutMs: 20_000 },
    ).catch(() => null);
    return result?.stdout.includes('written') ?? false;
  }

  test('writes to machines that are off and have no snapshot, and notes what', async () => {
    const vm = await shop.machine({ poweredOn: false });
    expect(await write(vm, 2 * block)).toBe(true);
    const flat = await readFile(vm.disks[0]?.flatFile ?? '');
    expect(flat.subarray(2 * block, 3 * block)).toEqual(filled(5));
    const name = vm.disks[0]?.fileName ?? '';
    expect(await shop.vcenter.writes()).toEqual([
      { vm: vm.moref, disk: name, offset: 2 * block, length: block, zero: false },
      { vm: vm.moref, disk: name, offset: 0, length: 4096, zero: true },
    ]);
    const first = await shop.create(vm);
    const since = await shop.changeId(first);
    await shop.remove(first);
    await vm.write(0, 6 * block, filled(1));
    expect(await write(vm, 4 * block)).toBe(true);
    const second = await shop.create(vm);
    expect(pairs(await shop.areas(vm, second, since))).toEqual([
      [4 * block, block],
      [6 * block, block],
    ]);
    await shop.vcenter.fault('writes-untracked', {});
    expect(pairs(await shop.areas(vm, second, since))).toEqual([[6 * block, block]]);
    await shop.remove(second);
    await shop.vcenter.vddkFault({ 'disk-full-after': 1000 });
    expect(await write(vm, 3 * block)).toBe(false);
    await shop.vcenter.vddkFault();
    await vm.power('on');
    expect(await write(vm, 4 * block)).toBe(false);
    await vm.power('off');
    await vm.snapshot('somebody');
    expect(await write(vm, 4 * block)).toBe(false);
    expect((await shop.vcenter.writes()).length).toBe(4);
    expect(await readFile(shop.vcenter.vddkLog, 'utf8')).toContain('-> 16392');
  });
});
