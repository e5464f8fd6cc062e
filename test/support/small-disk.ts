import { mkdir, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

/** A small file system of its own, mounted at `folder` (made), gone at the end of the block. Needs root (`canMount`). */
export async function smallDisk(folder: string, options = 'size=1m'): Promise<AsyncDisposable> {
  await mkdir(folder, { recursive: true });
  await execa('mount', ['-t', 'tmpfs', '-o', `mode=700,${options}`, 'tmpfs', folder]);
  return { [Symbol.asyncDispose]: async () => void (await execa('umount', [folder])) };
}

/** Takes all that is free there. */
export async function fillDisk(folder: string): Promise<void> {
  const file = join(folder, 'ballast');
  await writeFile(file, '');
  const { bavail, bsize } = await statfs(folder);
  await execa('fallocate', ['-l', String(bavail * bsize), file]);
}

/** {@link smallDisk}, and nothing is free on it. */
export async function fullDisk(folder: string): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  stack.use(await smallDisk(folder));
  await fillDisk(folder);
  const kept = stack.move();
  return { [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
