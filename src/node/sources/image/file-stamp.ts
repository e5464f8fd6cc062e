import { stat } from 'node:fs/promises';
import { SendenseError } from '../../../errors/sendense-error.ts';

/** Size, times and identity of files, to be compared later. */
export type FileStamps = ReadonlyMap<string, string>;

/** Block devices have no useful times and are left out. */
export async function stampFiles(files: readonly string[]): Promise<FileStamps> {
  const stamps = await Promise.all(files.map(async (file) => [file, await stampOf(file)] as const));
  return new Map(stamps.filter((stamp): stamp is readonly [string, string] => stamp[1] !== null));
}

/** @throws SendenseError `source.changed` naming the first file that differs */
export async function assertStamps(stamps: FileStamps): Promise<void> {
  for (const [file, before] of stamps) {
    const after = await stampOf(file).catch(() => 'gone');
    if (after !== before)
      throw new SendenseError('source.changed', `${file} changed while it was read (${before}; now ${after})`);
  }
}

async function stampOf(file: string): Promise<string | null> {
  const info = await stat(file, { bigint: true });
  return info.isFile()
    ? `${info.size} bytes, modified ${info.mtimeNs} ns, changed ${info.ctimeNs} ns, inode ${info.ino}`
    : null;
}
