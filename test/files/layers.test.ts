import { expect, test } from 'vitest';
import { slotName, slotOf } from '../../src/files/guest/devices.ts';
import { volumesIn } from '../../src/files/guest/layers.ts';

test('logical volumes are found among whatever else LVM prints', () => {
  const row = (name: string, active: string, layout: string): string =>
    `  LVM2_VG_NAME=vg0|LVM2_LV_NAME=${name}|LVM2_LV_PATH=/dev/vg0/${name}|LVM2_LV_SIZE=4194304|LVM2_LV_ACTIVE=${active}|LVM2_LV_LAYOUT=${layout}`;
  const printed = [
    '  Retrying metadata scan.',
    row('root', 'active', 'linear'),
    '  WARNING: metadata on /dev/vda1 does not match',
    row('pool', 'active', 'thin,pool'),
    row('off', '', 'linear'),
    row('../../etc', 'active', 'linear'),
  ];
  expect(volumesIn(printed.join('\n'))).toEqual([
    { id: 'vg0/root', path: '/dev/vg0/root', bytes: 4194304, note: null },
  ]);
  expect(volumesIn('')).toEqual([]);
});

test('disks have the names that the kernel gives them, also the 27th', () => {
  expect([0, 25, 26, 27, 51, 52, 701, 702].map(slotName)).toEqual('vda vdz vdaa vdab vdaz vdba vdzz vdaaa'.split(' '));
  for (let slot = 0; slot < 1000; slot++) expect(slotOf(slotName(slot))).toBe(slot);
  expect(slotOf('dm-0')).toBe(null);
});
