import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ImageKeys } from '../../src/repository/image-keys.ts';
import type { RestoredPoint } from '../../src/schemas/types.ts';
import type { RestoredDisk, RestoredFrom } from '../../src/targets/target-kind.ts';
import { pointDisks } from '../machines/saved-config.ts';
import { convert, makeRaw, MiB, type Workshop } from '../node/support.ts';

const noKeys = { of: () => null } as unknown as ImageKeys;

const made = new Map<string, Buffer>();

/** As `makeRaw`, with the same bytes for each file of this name and form, so that it is converted once. */
export async function rawDisk(
  path: string,
  ...form: [size: number, data: Parameters<typeof makeRaw>[2]]
): Promise<string> {
  const [size, data] = form;
  if (size > mostKept) return makeRaw(path, size, data);
  const key = JSON.stringify([basename(path), form]);
  const known = made.get(key);
  if (known) await writeFile(path, known);
  else made.set(key, await readFile(await makeRaw(path, size, data)));
  return path;
}

/** What qemu-img made of a raw disk: most tests of a file restore the same ones. Larger ones are not kept. */
const converted = new Map<string, Buffer>();
const mostKept = 4 * MiB;

async function asQcow2(raw: string, content: Buffer, file: string): Promise<string> {
  if (content.length > mostKept) return convert(raw, file, 'qcow2');
  const key = createHash('sha256').update(content).digest('hex');
  const known = converted.get(key);
  if (known) await writeFile(file, known);
  else converted.set(key, await readFile(convert(raw, file, 'qcow2')));
  return file;
}

/** Disks of a restore point in the folder `repository` of a workshop, made of raw files. */
export async function restoredDisks(
  at: Workshop,
  raw: readonly string[],
  more: Partial<RestoredPoint> = {},
): Promise<{ disks: RestoredDisk[]; contents: Buffer[]; from: RestoredFrom }> {
  await mkdir(at.path('repository'));
  const contents = await Promise.all(raw.map((file) => readFile(file)));
  const uuids = pointDisks(raw.length);
  const disks = await Promise.all(
    contents.map(async (content, number) => ({
      disk: `disk-${number}`,
      number,
      capacity_bytes: content.length,
      file: await asQcow2(raw[number] ?? '', content, at.path(`repository/disk-${number}.qcow2`)),
      index: at.path(`repository/disk-${number}.index`),
      digest: '0'.repeat(64),
      uuid: uuids[number]?.uuid ?? '',
    })),
  );
  const point = { vm: 'pgtest1', backup_id: '20261123T011850Z-8bd627', created: 1_795_310_330_000, vm_config: null };
  return {
    disks,
    contents,
    from: {
      path: () => at.path('repository'),
      keys: async () => noKeys,
      point: () => ({ ...point, ...more }),
      whyUnfit: async () => null,
    },
  };
}
