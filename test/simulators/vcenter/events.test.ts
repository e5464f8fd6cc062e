import { describe, expect, test } from 'vitest';
import { elements } from './raw-soap.ts';
import type { SimulatedVm } from './simulated-vm.ts';
import { workshop } from './workshop.ts';

const shop = workshop();

/** Events of a machine, as a filter finds them: what each is, and when it was. */
async function eventsOf(
  vm: SimulatedVm,
  filter = '',
): Promise<readonly { readonly what: string; readonly at: string }[]> {
  const found = await shop.soap.call(
    'QueryEvents',
    'EventManager',
    'EventManager',
    `<filter><entity><entity type="VirtualMachine">${vm.moref}</entity><recursion>self</recursion></entity>${filter}</filter>`,
  );
  return elements(found, 'returnval').map((event) => ({
    what: elements(event, 'descriptionId')[0] ?? elements(event, 'eventTypeId')[0] ?? '',
    at: elements(event, 'createdTime')[0] ?? '',
  }));
}

describe('events', () => {
  test('tell of the tasks of a machine and of its reverts, oldest first, and of no other machine', async () => {
    const [vm, other] = [await shop.machine(), await shop.machine()];
    const snapshot = await shop.create(vm);
    await shop.soap.task('RevertToSnapshot_Task', 'VirtualMachineSnapshot', snapshot, '');
    await shop.create(other);
    expect((await eventsOf(vm)).map(({ what }) => what)).toEqual([
      'VirtualMachine.createSnapshot',
      'vm.Snapshot.revert',
      'com.vmware.vc.vm.VmStateRevertedToSnapshot',
    ]);
    expect((await eventsOf(other)).map(({ what }) => what)).toEqual(['VirtualMachine.createSnapshot']);
  });

  test('are found by type and time', async () => {
    const vm = await shop.machine();
    await vm.revert(await vm.snapshot('by hand'));
    const types = '<eventTypeId>com.vmware.vc.vm.VmStateRevertedToSnapshot</eventTypeId>';
    const [revert, ...rest] = await eventsOf(vm, types);
    expect(rest).toEqual([]);
    const later = new Date(Date.parse(revert?.at ?? '') + 1).toISOString();
    expect(await eventsOf(vm, `<time><beginTime>${later}</beginTime></time>${types}`)).toEqual([]);
  });

  test('are forgotten where the server begins anew', async () => {
    const vm = await shop.machine();
    await vm.snapshot('by hand');
    await shop.vcenter.forgetEvents();
    expect(await eventsOf(vm)).toEqual([]);
  });
});
