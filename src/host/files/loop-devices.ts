import { readdir, readFile, stat } from 'node:fs/promises';

/** A loop device through which a file can be written. */
export interface LoopWriter {
  readonly path: string;
  readonly device: string;
}

/**
 * The first loop device of this machine that has one of these files attached, and not read-only. The kernel holds the file then: no
 * process has it open. Source: Linux, drivers/block/loop.c, `backing_file`.
 */
export async function loopDeviceOn(paths: readonly string[]): Promise<LoopWriter | null> {
  const files = await Promise.all(paths.map(async (path) => ({ path, id: await identityOf(path) })));
  const names = await readdir('/sys/block').catch(() => []);
  for (const name of names.filter((candidate) => candidate.startsWith('loop'))) {
    const [attached, readOnly] = await Promise.all([
      readFile(`/sys/block/${name}/loop/backing_file`, 'utf8').catch(() => ''),
      readFile(`/sys/block/${name}/ro`, 'utf8').catch(() => ''),
    ]);
    if (attached === '' || readOnly.trim() === '1') continue;
    const id = await identityOf(attached.replace(/\n$/, ''));
    const found = id === null ? undefined : files.find((file) => file.id === id);
    if (found) return { path: found.path, device: `/dev/${name}` };
  }
  return null;
}

const identityOf = async (path: string): Promise<string | null> => {
  const info = await stat(path, { bigint: true }).catch(() => null);
  return info && `${info.dev}:${info.ino}`;
};
