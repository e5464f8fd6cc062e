import { mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { execa } from 'execa';

/** Whether this user can mount file systems. */
export const canMount = process.getuid?.() === 0;

/** A new ext4 of its own, mounted at `folder` (made) from `image` (made), gone at the end of the block. Needs root. */
export async function loopMount(image: string, folder: string, mebibytes: number): Promise<AsyncDisposable> {
  await writeFile(image, '');
  await truncate(image, mebibytes * 2 ** 20);
  // No blocks that only root may use: what is free is free.
  await execa('mkfs.ext4', ['-q', '-m', '0', image]);
  await mkdir(folder, { recursive: true });
  await execa('mount', ['-o', 'loop', image, folder]);
  return {
    [Symbol.asyncDispose]: async () => {
      await execa('chattr', ['-R', '-f', '-i', folder], { reject: false });
      await execa('umount', [folder]);
      await rm(image);
    },
  };
}
