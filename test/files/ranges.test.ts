import { expect, it } from 'vitest';
import { isUnchanged, touches, type PlacedVolume } from '../../src/hub/files/unchanged-volumes.ts';
import { slotBytes } from '../../src/files/reader/sandbox.ts';
import type { DiskRange } from '../../src/files/protocol.ts';
import type { Extent } from '../../src/blocks/extents.ts';
import { openImages } from './reader-of.ts';
import { prepareOne } from './fixtures/prepared.ts';

const MiB = 1024 * 1024;

it.each([
  [0, 1, false],
  [0, 101, true],
  [99, 1, false],
  [100, 1, true],
  [149, 1, true],
  [150, 50, false],
  [150, 51, true],
  [300, 1, false],
])('bytes from %i, %i of them, touch what changed: %s', (offset, bytes, expected) => {
  const extents = [
    { offset: 100, length: 50 },
    { offset: 200, length: 10 },
  ];
  expect(touches(extents, offset, bytes)).toBe(expected);
});

it('a volume is the same only where it is of the same parts, and none of them has changed', () => {
  const of = (ranges: readonly DiskRange[] | null, bytes = 10): PlacedVolume => ({
    volume: { id: 'v', type: 'ext4', bytes } as unknown as PlacedVolume['volume'],
    ranges,
  });
  const disks = new Map<number, readonly Extent[]>([
    [0, [{ offset: 0, length: 10 }]],
    [1, []],
  ]);
  const part = of([[0, 10, 10]]);
  expect(isUnchanged(part, part, { disks })).toBe(true);
  expect(isUnchanged(of([[1, 0, 99]]), of([[1, 0, 99]]), { disks })).toBe(true);
  expect(isUnchanged(of([[0, 9, 10]]), of([[0, 9, 10]]), { disks })).toBe(false);
  expect(isUnchanged(part, of([[1, 10, 10]]), { disks })).toBe(false);
  expect(isUnchanged(part, of([[0, 10, 10]], 11), { disks })).toBe(false);
  expect(isUnchanged(of([[2, 0, 1]]), of([[2, 0, 1]]), { disks })).toBe(false);
  expect(isUnchanged(of(null), of(null), { disks })).toBe(false);
  expect(isUnchanged(of([]), of([]), { disks })).toBe(false);
});

/** Another file may be making the disks. */
const making = 2_700_000;

it(
  'volumes of LVM, thin ones and arrays are told with all that decides what they hold',
  { timeout: making },
  async () => {
    const placesOf = async (name: string): Promise<Record<string, readonly DiskRange[] | null>> => {
      const { fixture, disk } = await prepareOne(name);
      await using open = await openImages(...fixture.disks.map((_size, number) => disk(number)));
      const places: Record<string, readonly DiskRange[] | null> = {};
      for (const { id } of open.volumes) places[id] = (await open.reader.ask('ranges', { volume: id })).ranges;
      return places;
    };
    const lvm = await placesOf('lvm');
    expect(lvm['disk-0p1']).toEqual([[0, MiB, 16 * MiB]]);
    expect(lvm['vg0/root']).toEqual([[0, 18 * MiB, 48 * MiB]]);
    // The striped one: both physical volumes; a whole disk is as long as its slot.
    expect(lvm['vg0/striped']).toEqual([
      [0, 17 * MiB, 100 * MiB],
      [1, 0, slotBytes],
    ]);
    const linear = lvm['vg0/with-dash'] ?? [];
    expect(new Set(linear.map(([slot]) => slot))).toEqual(new Set([0, 1]));
    expect((await placesOf('lvm-thin'))['thinvg/data']).toEqual([[0, 0, slotBytes]]);
  },
);
