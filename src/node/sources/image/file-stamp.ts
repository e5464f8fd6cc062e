import { readFile, stat } from 'node:fs/promises';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { deviceNumbers } from '../../../host/files/file-users.ts';

/** Size, times and identity of files, and what was written to block devices, to be compared later. */
export type FileStamps = ReadonlyMap<string, string>;

/** Block devices of which the kernel does not count what is written are left out. */
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
  if (info.isBlockDevice()) return writtenTo(info.rdev);
  return info.isFile()
    ? `${info.size} bytes, modified ${info.mtimeNs} ns, changed ${info.ctimeNs} ns, inode ${info.ino}`
    : null;
}

/**
 * What this machine has written to and discarded from a block device so far. Not counted yet: what waits in the page cache.
 * Source: Linux, Documentation/block/stat.rst; discards are counted since Linux 4.18.
 */
async function writtenTo(device: bigint): Promise<string | null> {
  const { major, minor } = deviceNumbers(device);
  const text = await readFile(`/sys/dev/block/${major}:${minor}/stat`, 'utf8').catch(() => null);
  if (text === null) return null;
  const fields = text.trim().split(/\s+/);
  return `${fields[6]} sectors written, ${fields[13] ?? 0} discarded`;
}
