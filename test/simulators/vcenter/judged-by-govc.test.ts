import { appendFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runTool } from '../../../src/host/programs/process.ts';
import { temporaryFolder, type TemporaryFolder } from '../../host/temporary-folder.ts';
import { randomBytes } from '../../support/random.ts';
import { govcOf, type Govc } from './govc.ts';
import { MiB, block, filled, workshop } from './workshop.ts';

const shop = workshop();
let work: TemporaryFolder;
let govc: Govc;
let content: Buffer;
let ovf: string;
beforeAll(async () => {
  work = await temporaryFolder();
  govc = await govcOf(shop.vcenter, work.path);
  content = Buffer.concat([randomBytes(MiB), Buffer.alloc(2 * MiB), randomBytes(MiB)]);
  ovf = await appliance(content);
}, 120_000);
afterAll(() => work[Symbol.asyncDispose]());

/** An OVF with one stream-optimized disk, and nothing of ours in it. */
async function appliance(disk: Buffer): Promise<string> {
  await mkdir(work.file('ovf'));
  await writeFile(work.file('ovf/raw'), disk);
  const options = 'subformat=streamOptimized,adapter_type=lsilogic,compat6=on';
  const convert = ['convert', '-f', 'raw', '-O', 'vmdk', '-o', options, work.file('ovf/raw'), work.file('ovf/d.vmdk')];
  await runTool('qemu-img', convert, { timeoutMs: 20_000 });
  // qemu-img does not always write the marker that ends a stream: a sector of zeros.
  await appendFile(work.file('ovf/d.vmdk'), Buffer.alloc(512));
  const { size: length } = await stat(work.file('ovf/d.vmdk'));
  const item = (id: number, type: number, more: string): string =>
    `<Item><rasd:ElementName>e${id}</rasd:ElementName><rasd:InstanceID>${id}</rasd:InstanceID>${more}<rasd:ResourceType>${type}</rasd:ResourceType></Item>`;
  await writeFile(
    work.file('ovf/a.ovf'),
    `<?xml version="1.0"?><Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
      xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
      xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData">
      <References><File ovf:href="d.vmdk" ovf:id="f" ovf:size="${length}"/></References>
      <DiskSection><Info/><Disk ovf:capacity="${disk.length}" ovf:capacityAllocationUnits="byte" ovf:diskId="d" ovf:fileRef="f" ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/></DiskSection>
      <VirtualSystem ovf:id="a"><Info/><Name>a</Name><VirtualHardwareSection><Info/>
      <System><vssd:ElementName>v</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID><vssd:VirtualSystemType>vmx-13</vssd:VirtualSystemType></System>
      ${item(1, 3, '<rasd:VirtualQuantity>2</rasd:VirtualQuantity>')}
      ${item(2, 4, '<rasd:VirtualQuantity>64</rasd:VirtualQuantity>')}
      ${item(3, 6, '<rasd:Address>0</rasd:Address><rasd:ResourceSubType>lsilogic</rasd:ResourceSubType>')}
      ${item(4, 17, '<rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:HostResource>ovf:/disk/d</rasd:HostResource><rasd:Parent>3</rasd:Parent>')}
      </VirtualHardwareSection></VirtualSystem></Envelope>`,
  );
  return work.file('ovf/a.ovf');
}

const imported = (name: string): Promise<{ exitCode: number | undefined; stdout: string; stderr: string }> =>
  govc.run('import.ovf', `-name=${name}`, ovf);

/** The disk as govc downloads it from the datastore. */
async function downloaded(path: string, datastore = shop.vcenter.datastore): Promise<Buffer> {
  await govc.says('datastore.download', `-ds=${datastore}`, path, work.file('downloaded'));
  return readFile(work.file('downloaded'));
}

describe('an import by govc', () => {
  test('keeps the bytes', async () => {
    const { exitCode, stderr } = await imported('kept');
    expect(exitCode, stderr).toBe(0);
    expect((await downloaded('kept/disk-0-flat.vmdk')).equals(content)).toBe(true);
    expect(await govc.says('vm.info', 'kept')).toMatch(/Memory: +64MB\s+CPU: +2 vCPU/);
    expect(await govc.says('device.info', '-vm=kept', 'disk-*')).toMatch(
      /4,096 KB[\s\S]*\[LocalDS_0\] kept\/disk-0\.vmdk/,
    );
  });

  test.each([
    ['lease-lost', { bytes: 100_000 }, ''],
    ['nfc-cut', { bytes: 100_000 }, ''],
    ['nfc-status', { status: 503 }, '503'],
    ['create-vm', {}, 'InsufficientResourcesFault'],
    ['privileges', { missing: 'VApp.Import' }, 'Permission to perform'],
  ] as const)('fails with %s %j, and leaves no machine that starts', async (fault, options, says) => {
    await shop.vcenter.fault(fault, options);
    const { exitCode, stdout, stderr } = await imported(`not-${fault}`);
    expect(exitCode).not.toBe(0);
    expect(stdout + stderr).toContain(says);
    await shop.vcenter.clearFaults();
    // govc goes without ending its lease: the machine stays for as long as that lasts, and can do nothing.
    const left = await shop.vcenter.findVm(`not-${fault}`);
    if (left) expect((await govc.run('vm.power', '-on', `not-${fault}`)).exitCode).not.toBe(0);
  });

  test('a lease that nobody asks about takes the machine away', async () => {
    await shop.vcenter.fault('lease-timeout', { ms: 300 });
    await shop.vcenter.fault('slow', { for: 'nfc', ms: 1500 });
    expect((await imported('too-slow')).exitCode).not.toBe(0);
    expect(await shop.vcenter.findVm('too-slow')).toBe(null);
  });

  test('a lie is seen only by who reads the disk', async () => {
    await shop.vcenter.fault('nfc-short', { bytes: MiB, count: 1 });
    const { exitCode, stderr } = await imported('lied');
    expect(exitCode, stderr).toBe(0);
    const disk = await downloaded('lied/disk-0-flat.vmdk');
    expect(disk.subarray(0, 3 * MiB).equals(content.subarray(0, 3 * MiB))).toBe(true);
    expect(disk.subarray(3 * MiB).equals(Buffer.alloc(MiB))).toBe(true);
  });

  test('is refused in a place that cannot have it', async () => {
    expect((await imported('kept')).stderr).toContain("'kept' already exists");
    await shop.vcenter.addDatastore('small', { capacity: 8 * MiB, free: MiB });
    const full = await govc.run('import.ovf', '-name=no-space', '-ds=small', ovf);
    expect(full.exitCode).not.toBe(0);
    expect((await govc.run('import.ovf', '-name=no-place', '-ds=nowhere', ovf)).stderr).toContain(
      "'nowhere' not found",
    );
  });
});

describe('a machine that govc makes', () => {
  test('gets what was asked for, and what is given to it later', async () => {
    await govc.says('vm.create', '-m=512', '-c=2', '-g=debian10_64Guest', '-disk=8M', '-on=false', 'made');
    await govc.says('vm.disk.create', '-vm=made', '-name=made/extra', '-size=4M');
    await govc.says('vm.network.add', '-vm=made', '-net=DC0_DVPG0', '-net.adapter=vmxnet3');
    await govc.says('vm.change', '-vm=made', '-e=guestinfo.note=hello', '-annotation=of govc');
    const devices = await govc.says('device.ls', '-vm=made');
    for (const line of [/disk-1000-0 +VirtualDisk +8,192 KB/, /disk-1000-1 +VirtualDisk +4,096 KB/, /VirtualVmxnet3/])
      expect(devices).toMatch(line);
    expect(await govc.says('vm.info', '-e', 'made')).toMatch(/guestinfo\.note: +hello/);
    const seen = await shop.vcenter.findVm('made');
    expect(seen?.disks.map(({ key, capacity, fileName }) => [key, capacity, fileName])).toEqual([
      [2000, 8 * MiB, '[LocalDS_0] made/made.vmdk'],
      [2001, 4 * MiB, '[LocalDS_0] made/extra.vmdk'],
    ]);
    await govc.says('vm.power', '-on', 'made');
    expect(await seen?.powerState()).toBe('poweredOn');
    expect((await govc.run('vm.create', '-on=false', 'made')).stderr).toContain('made.vmx already exists');
    await govc.says('vm.power', '-off', 'made');
    await govc.says('vm.destroy', 'made');
    expect(await shop.vcenter.findVm('made')).toBe(null);
  });

  test('is refused where a privilege, the hardware version or a network is missing', async () => {
    await shop.vcenter.fault('privileges', { missing: 'VirtualMachine.Inventory.Create' });
    expect((await govc.run('vm.create', '-on=false', 'none')).stderr).toContain('Permission to perform');
    await shop.vcenter.clearFaults();
    await shop.vcenter.fault('hardware', { newest: 10 });
    const newer = await govc.run('vm.create', '-on=false', '-version=7.0', 'newer');
    expect(newer.exitCode).not.toBe(0);
    await shop.vcenter.clearFaults();
    expect((await govc.run('vm.create', '-on=false', '-net=nowhere', 'none')).stderr).toContain("'nowhere' not found");
    expect(await shop.vcenter.findVm('none')).toBe(null);
    expect(await shop.vcenter.findVm('newer')).toBe(null);
  });
});

test('snapshots by govc freeze the disk, and a revert brings it back', async () => {
  const vm = await shop.machine({ name: 'frozen', poweredOn: false });
  await vm.write(0, 0, filled(1));
  await govc.says('snapshot.create', '-vm=frozen', '-m=false', 'first');
  await vm.write(0, 0, filled(2));
  expect(await govc.says('snapshot.tree', '-vm=frozen')).toContain('first');
  const frozen = await downloaded('frozen/frozen-flat.vmdk');
  expect(frozen.subarray(0, block).equals(filled(1))).toBe(true);
  await govc.says('snapshot.revert', '-vm=frozen', 'first');
  expect((await readFile(vm.disks[0]?.flatFile ?? '')).subarray(0, block).equals(filled(1))).toBe(true);
  await govc.says('snapshot.remove', '-vm=frozen', '*');
  expect(await vm.snapshots()).toEqual([]);
  expect((await downloaded('frozen/frozen-flat.vmdk')).subarray(0, block).equals(filled(1))).toBe(true);
});

describe('relocation by govc', () => {
  test('moves the bytes', async () => {
    const vm = await shop.machine({ name: 'moved', poweredOn: false });
    await vm.write(0, MiB, filled(7));
    await shop.vcenter.addDatastore('other');
    await govc.says('vm.migrate', '-ds=other', 'moved');
    const disk = await downloaded('moved/moved-flat.vmdk', 'other');
    expect(disk.subarray(MiB, MiB + block).equals(filled(7))).toBe(true);
    expect((await govc.run('datastore.ls', '-ds=LocalDS_0', 'moved')).exitCode).not.toBe(0);
  });

  test.each([
    ['a full datastore', async () => shop.vcenter.setDatastore('full', { free: block }), ''],
    ['the fault of the test', async () => shop.vcenter.fault('relocate', {}), 'InsufficientResourcesFault'],
    [
      'a missing privilege',
      async () => shop.vcenter.fault('privileges', { missing: 'Resource.ColdMigrate' }),
      'Permission to perform',
    ],
  ])('fails with %s, and the disk is where it was', async (name, trouble, says) => {
    const vm = await shop.machine({ name: `stays: ${name}`, poweredOn: false });
    await vm.write(0, 0, filled(5, MiB));
    if (!(await govc.says('ls', '/DC1/datastore')).includes('/full')) await shop.vcenter.addDatastore('full');
    await trouble();
    const { exitCode, stdout, stderr } = await govc.run('vm.migrate', '-ds=full', vm.name);
    expect(exitCode).not.toBe(0);
    expect(stdout + stderr).toContain(says);
    const disk = await downloaded(`${vm.name}/${vm.name}-flat.vmdk`);
    expect(disk.subarray(0, MiB).equals(filled(5, MiB))).toBe(true);
  });
});

test('files come to a datastore and from it, for who may', async () => {
  const vm = await shop.machine({ name: 'files' });
  await writeFile(work.file('nvram'), 'the firmware remembers');
  await govc.says('datastore.upload', work.file('nvram'), `${vm.name}/${vm.name}.nvram`);
  expect((await downloaded(`${vm.name}/${vm.name}.nvram`)).toString()).toBe('the firmware remembers');
  await shop.vcenter.fault('privileges', { missing: 'Datastore.FileManagement' });
  const refused = await govc.run('datastore.upload', work.file('nvram'), `${vm.name}/other`);
  expect(refused.stderr).toContain('403');
  await shop.vcenter.clearFaults();
  expect((await govc.run('datastore.ls', `${vm.name}/other`)).exitCode).not.toBe(0);
});
