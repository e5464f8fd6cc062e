import { rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fsyncFile, fsyncFolder } from '../../host/files/files.ts';
import { layersOf } from '../../host/images/image-layers.ts';
import { targetOf } from '../../host/images/image-options.ts';
import { convertArgs, convertImage, type ConvertOptions } from '../../host/images/qemu-img.ts';
import type { Services } from '../services.ts';

/** Whether the disks of a run are compressed: the plan says it, else the settings. */
export const compresses = (
  { settings }: Services,
  { compress, repository }: { readonly repository: string; readonly compress?: 'none' | 'zstd' | null | undefined },
): boolean => (compress ?? settings.repositories[repository]?.compress ?? 'none') === 'zstd';

const options = 'compat=1.1,cluster_size=65536,lazy_refcounts=off,compression_type=zstd';

/** Under this name, which undo of qcow2.create knows, the compressed file is made. */
const partOf = (file: string): string => `${file}.sendense-part`;

/** @param backing relative to the folder of `file`; null: none */
const compression = async (file: string, backing: string | null): Promise<ConvertOptions> => ({
  from: targetOf([
    { file, encrypted: false },
    ...(backing === null ? [] : await layersOf(join(dirname(file), backing))),
  ]),
  to: partOf(file),
  toFormat: 'qcow2',
  toOptions: options,
  compressed: true,
  toBacking: backing,
  // A relative backing file is looked for from here.
  cwd: dirname(file),
});

/** What {@link compressImage} runs; for a dry-run. */
export const compressArgs = async (file: string, backing: string | null): Promise<string[]> => [
  'qemu-img',
  ...convertArgs(await compression(file, backing)),
];

/**
 * Rewrites an image that no restore point has yet with compressed clusters: only what it holds itself, on top of the same
 * backing file. It keeps its name; until the new one is complete the old one stays. Answers the bytes that it had before.
 */
export async function compressImage(
  file: string,
  backing: string | null,
  how: { readonly signal: AbortSignal; onProgress(fraction: number): void },
): Promise<number> {
  const { size } = await stat(file);
  await rm(partOf(file), { force: true });
  await convertImage({ ...(await compression(file, backing)), ...how });
  await fsyncFile(partOf(file));
  await rename(partOf(file), file);
  await fsyncFolder(dirname(file));
  return size;
}
