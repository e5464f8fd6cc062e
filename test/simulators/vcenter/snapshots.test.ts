import { open, readFile, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { busyGuest } from './busy-guest.ts';
import { elements } from './raw-soap.ts';
import { MiB, block, filled, readBlock, workshop } from './workshop.ts';

const shop = workshop();

describe('snapshots', () => {
  test('freeze the flat file, while the guest goes on writing', async () => {
    const vm = await shop.machine();
    await vm.write(0, 0, filled(1));
    const snapshot = await shop.create(vm);
    await vm.write(0, 0, filled(2));
    expect((await shop.soap.get(shop.flat(vm), { headers: { range: `bytes=0-${block - 1}` } })).body).toEqual(
      filled(1),
    );
    expect(await readBlock(await vm.frozen(0, snapshot), 0)).toEqual(filled(1));
    expect(await readBlock(vm.disks[0]?.flatFile ?? '', 0)).toEqual(filled(2));
    const [running] = await shop.disksOf('VirtualMachine', vm.moref);
    expect(elements(running ?? '', 'fileName')).toEqual([
      `[LocalDS_0] ${vm.name}/${vm.name}-000001.vmdk`,
      `[LocalDS_0] ${vm.name}/${vm.name}.vmdk`,
    ]);
    const [frozen] = await shop.disksOf('VirtualMachineSnapshot', snapshot);
    expect(elements(frozen ?? '', 'fileName')).toEqual([`[LocalDS_0] ${vm.name}/${vm.name}.vmdk`]);
    await shop.remove(snapshot);
    expect((await shop.soap.get(shop.flat(vm), { headers: { range: `bytes=0-${block - 1}` } })).body).toEqual(
      filled(2),
    );
    expect(await readBlock(await vm.frozen(0, snapshot), 0)).toEqual(filled(1));
    expect([await vm.snapshots(), await vm.layers()]).toEqual([[], 0]);
  });

  test('hold still under a guest that never stops writing', async () => {
    const vm = await shop.machine();
    await using guest = busyGuest(vm, 0);
    const snapshot = await shop.create(vm);
    const before = guest.writes;
    const first = await shop.soap.get(shop.flat(vm));
    while (guest.writes < before + 5) await delay(1);
    const second = await shop.soap.get(shop.flat(vm));
    expect(first.body.equals(second.body)).toBe(true);
    expect(first.body.equals(await readFile(await vm.frozen(0, snapshot)))).toBe(true);
    expect(first.body.equals(await readFile(vm.disks[0]?.flatFile ?? ''))).toBe(false);
    await shop.remove(snapshot);
  });

  test('of two with one name, either can go first', async () => {
    const vm = await shop.machine();
    await vm.write(0, 0, filled(1));
    const first = await vm.snapshot('same');
    await vm.write(0, 0, filled(2));
    const second = await vm.snapshot('same');
    await vm.write(0, 0, filled(3));
    expect((await vm.snapshots()).map(({ name, moref }) => [name, moref])).toEqual([
      ['same', first],
      ['same', second],
    ]);
    await shop.remove(first);
    expect((await shop.soap.get(shop.flat(vm), { headers: { range: 'bytes=0-0' } })).body).toEqual(Buffer.from([2]));
    await shop.remove(second);
    expect((await shop.soap.get(shop.flat(vm), { headers: { range: 'bytes=0-0' } })).body).toEqual(Buffer.from([3]));
  });

  test('of a big disk that nobody writes to take no copy', async () => {
    const vm = await shop.machine({ disks: [{ capacity: 8 * MiB, share: true }] });
    await vm.write(0, 0, filled(1));
    const snapshot = await shop.create(vm);
    const inodes = [await vm.frozen(0, snapshot), vm.disks[0]?.flatFile ?? ''].map(
      async (file) => (await stat(file)).ino,
    );
    expect(new Set(await Promise.all(inodes)).size).toBe(1);
    await shop.remove(snapshot);
    expect((await shop.soap.get(shop.flat(vm), { headers: { range: 'bytes=0-0' } })).body).toEqual(Buffer.from([1]));
  });

  test('cannot be quiesced, cannot be made, cannot be removed at first', async () => {
    const vm = await shop.machine();
    await shop.vcenter.fault('quiesce', { count: 1 });
    await shop.vcenter.fault('quiesce', { count: 1, kind: 'filesystem' });
    await expect(shop.create(vm, true)).rejects.toThrow('ApplicationQuiesceFault');
    await expect(shop.create(vm, true)).rejects.toThrow('FilesystemQuiesceFault');
    await shop.vcenter.fault('create-snapshot', { count: 1, fault: 'InsufficientStorageSpace' });
    await expect(shop.create(vm)).rejects.toThrow('InsufficientStorageSpace');
    const snapshot = await shop.create(vm, true);
    expect((await vm.snapshots())[0]?.quiesced).toBe(true);
    await shop.vcenter.fault('remove-snapshot', { count: 1 });
    await shop.vcenter.fault('remove-snapshot', { count: 1, at: 'call', fault: 'InvalidState' });
    await expect(shop.remove(snapshot)).rejects.toThrow('InvalidState');
    await expect(shop.remove(snapshot)).rejects.toThrow('TaskInProgress');
    await shop.remove(snapshot);
    expect(await vm.snapshots()).toEqual([]);
  });

  test('are refused while disks are merged; a merge may be left over', async () => {
    const vm = await shop.machine();
    await vm.consolidating(true);
    expect(await shop.soap.property('VirtualMachine', vm.moref, 'recentTask')).toContain('task-');
    expect(await shop.soap.property('VirtualMachine', vm.moref, 'runtime.consolidationNeeded')).toBe('true');
    await expect(shop.create(vm)).rejects.toThrow('TaskInProgress');
    await vm.consolidating(false);
    const snapshot = await shop.create(vm);
    await shop.vcenter.fault('consolidation-needed', { count: 1 });
    await shop.remove(snapshot);
    expect(await shop.soap.property('VirtualMachine', vm.moref, 'runtime.consolidationNeeded')).toBe('true');
    expect([await vm.snapshots(), await vm.layers()]).toEqual([[], 1]);
    await shop.soap.task('ConsolidateVMDisks_Task', 'VirtualMachine', vm.moref);
    expect(await vm.layers()).toBe(0);
    expect(await shop.soap.property('VirtualMachine', vm.moref, 'runtime.consolidationNeeded')).toBe('false');
    await shop.vcenter.fault('open-disks-lock');
    const read = await shop.create(vm);
    {
      await using reader = await open(await vm.frozen(0, read));
      await shop.remove(read);
      expect([reader.fd > 0, await vm.layers()]).toEqual([true, 1]);
    }
    await shop.soap.task('ConsolidateVMDisks_Task', 'VirtualMachine', vm.moref);
    await shop.remove(await shop.create(vm));
    expect(await vm.layers()).toBe(0);
  });
});
