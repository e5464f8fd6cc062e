import { mkdir, readFile } from 'node:fs/promises';
import type { ImageKeys } from '../../src/repository/image-keys.ts';
import type { RestoredPoint } from '../../src/schemas/types.ts';
import type { RestoredDisk, RestoredFrom } from '../../src/targets/target-kind.ts';
import { pointDisks } from '../machines/saved-config.ts';
import { convert, type Workshop } from '../node/support.ts';

const noKeys = { of: () => null } as unknown as ImageKeys;

/** Disks of a restore point in the folder `repository` of a workshop, made of raw files. */
export async function restoredDisks(
  at: Workshop,
  raw: readonly string[],
  more: Partial<RestoredPoint> = {},
): Promise<{ disks: RestoredDisk[]; contents: Buffer[]; from: RestoredFrom }> {
  await mkdir(at.path('repository'));
  const contents = await Promise.all(raw.map((file) => readFile(file)));
  const uuids = pointDisks(raw.length);
  const disks = raw.map((file, number) => ({
    disk: `disk-${number}`,
    number,
    capacity_bytes: contents[number]?.length ?? 0,
    file: convert(file, at.path(`repository/disk-${number}.qcow2`), 'qcow2'),
    index: at.path(`repository/disk-${number}.index`),
    digest: '0'.repeat(64),
    uuid: uuids[number]?.uuid ?? '',
  }));
  const point = { vm: 'pgtest1', backup_id: '20261123T011850Z-8bd627', created: 1_795_310_330_000, vm_config: null };
  return {
    disks,
    contents,
    from: { path: () => at.path('repository'), keys: async () => noKeys, point: () => ({ ...point, ...more }) },
  };
}
