import { describe, expect, test } from 'vitest';
import { element, rawSoap } from './raw-soap.ts';
import { startVcenter } from './start-vcenter.ts';
import { MiB, areasQuery, block, filled, pairs, readBlock, workshop } from './workshop.ts';

const shop = workshop();

describe('change tracking', () => {
  test('works from the first stun after it was switched on, and not with snapshots', async () => {
    const vm = await shop.machine({ cbt: false });
    const on = '<spec><changeTrackingEnabled>true</changeTrackingEnabled></spec>';
    const foreign = await vm.snapshot('by hand');
    await shop.soap.task('ReconfigVM_Task', 'VirtualMachine', vm.moref, on);
    const above = await shop.create(vm);
    expect(await shop.changeId(above)).toBe('');
    await expect(shop.areas(vm, above, '*')).rejects.toThrow('FileFault vim.hostd.vmsvc.cbt.noTrack');
    await shop.remove(above);
    await shop.remove(foreign);
    const snapshot = await shop.create(vm);
    expect(await shop.changeId(snapshot)).toMatch(/^([0-9a-f]{2} ){7}[0-9a-f]{2}-([0-9a-f]{2} ){7}[0-9a-f]{2}\/1$/);
  });

  test('tells exactly what the guest changed between two snapshots', async () => {
    const vm = await shop.machine();
    await vm.write(0, 5 * block, filled(5, 2 * block));
    const first = await shop.create(vm);
    const since = await shop.changeId(first);
    expect(pairs(await shop.areas(vm, first, '*'))).toEqual([[5 * block, 2 * block]]);
    await vm.write(0, 3 * block + 7, Buffer.from('x'));
    await vm.write(0, 6 * block, filled(0));
    await shop.remove(first);
    const second = await shop.create(vm);
    await vm.write(0, 0, filled(9));
    const answer = await shop.areas(vm, second, since);
    expect(pairs(answer)).toEqual([
      [3 * block, block],
      [6 * block, block],
    ]);
    expect([element(answer, 'startOffset'), Number(element(answer, 'length'))]).toEqual(['0', 8 * MiB]);
    expect(await shop.changeId(second)).toBe(since.replace(/1$/, '2'));
  });

  test('answers in pages, which may be empty', async () => {
    await using small = await startVcenter({ maxAreas: 3 });
    const vm = await small.addVm({ name: 'paged', cbt: true, disks: [{ capacity: 8 * MiB }] });
    for (let at = 0; at < 10; at += 2) await vm.write(0, at * block, filled(1));
    const raw = rawSoap(small);
    await raw.login();
    const snapshot = await vm.snapshot('s');
    const page = (start: number): Promise<string> =>
      raw.call('QueryChangedDiskAreas', 'VirtualMachine', vm.moref, areasQuery(snapshot, '*', start, 2000));
    const first = await page(0);
    expect([pairs(first).length, Number(element(first, 'length'))]).toEqual([3, 6 * block]);
    expect(pairs(await page(6 * block))).toEqual([
      [6 * block, block],
      [8 * block, block],
    ]);
    await small.fault('page-length', { bytes: MiB });
    const empty = await page(2 * MiB);
    expect([pairs(empty), Number(element(empty, 'startOffset')), Number(element(empty, 'length'))]).toEqual([
      [],
      2 * MiB,
      MiB,
    ]);
  });

  test('faults as servers do', async () => {
    const vm = await shop.machine();
    const snapshot = await shop.create(vm);
    const id = await shop.changeId(snapshot);
    await expect(shop.areas(vm, snapshot, id, 8 * MiB)).rejects.toThrow('InvalidArgument startOffset');
    await expect(shop.areas(vm, snapshot, id, 0, 2001)).rejects.toThrow('InvalidArgument deviceKey');
    await expect(shop.areas(vm, snapshot, 'nonsense')).rejects.toThrow('InvalidArgument changeId');
    await expect(shop.areas(vm, snapshot, `${id}7`)).rejects.toThrow('FileFault vim.hostd.vmsvc.cbt.cannotGetChanges');
    for (const key of ['noTrack', 'noEpoch', 'cannotGetChanges']) {
      await shop.vcenter.fault('file-fault', { count: 1, key });
      await expect(shop.areas(vm, snapshot, id)).rejects.toThrow(`FileFault vim.hostd.vmsvc.cbt.${key}`);
    }
    await shop.vcenter.fault('file-fault', { count: 1 });
    await expect(shop.areas(vm, snapshot, id)).rejects.toThrow('FileFault vim.hostd.vmsvc.file.busy');
    await shop.vcenter.fault('star', { answer: 'whole' });
    expect(pairs(await shop.areas(vm, snapshot, '*'))).toEqual([[0, 8 * MiB]]);
    await shop.vcenter.fault('page-wrong-start', { count: 1 });
    expect(element(await shop.areas(vm, snapshot, id), 'startOffset')).toBe(String(block));
    await shop.vcenter.fault('page-no-progress', { count: 1 });
    expect(element(await shop.areas(vm, snapshot, id), 'length')).toBe('0');
  });

  test('begins anew after a power failure and a revert, which is in the events', async () => {
    const vm = await shop.machine();
    await vm.write(0, 0, filled(1));
    const first = await shop.create(vm);
    const before = await shop.changeId(first);
    await vm.write(0, 0, filled(2));
    await shop.soap.task('RevertToSnapshot_Task', 'VirtualMachineSnapshot', first);
    expect(await readBlock(vm.disks[0]?.flatFile ?? '', 0)).toEqual(filled(1));
    const second = await shop.create(vm);
    const reverted = await shop.changeId(second);
    await expect(shop.areas(vm, second, before)).rejects.toThrow('vim.hostd.vmsvc.cbt.noEpoch');
    await vm.power('loss');
    expect((await shop.changeId(await shop.create(vm))).split('/')[0]).not.toBe(reverted.split('/')[0]);
    const events = await shop.soap.call(
      'QueryEvents',
      'EventManager',
      'EventManager',
      `<filter><entity><entity type="VirtualMachine">${vm.moref}</entity><recursion>self</recursion></entity>` +
        '<eventTypeId>TaskEvent</eventTypeId></filter>',
    );
    expect(events).toContain('vm.Snapshot.revert');
  });
});
