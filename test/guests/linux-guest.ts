import { execFileSync } from 'node:child_process';
import { copyFile, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { writeInto } from '../host/disk-images.ts';

/**
 * Makes the disk of a Linux guest with an agent, which says on its serial console what init.sh says.
 * @param firmware the only one that starts it
 * @param kernel `cloud` starts in half the time; `usual` has the drivers of SATA and LSI SAS, too
 */
export async function linuxDisk(
  file: string,
  firmware: 'bios' | 'efi',
  kernel: 'cloud' | 'usual' = 'cloud',
): Promise<void> {
  const folder = execFileSync(join(import.meta.dirname, 'make-linux-guest.sh'), { encoding: 'utf8' }).trim();
  await copyFile(join(folder, `${kernel === 'usual' ? 'usual-' : ''}${firmware}.raw`), file);
  await truncate(file, (await stat(file)).size + 1024 ** 2);
  await nameDisk(file, 'boot');
}

/** Writes the word into the last sector by which the guest calls a disk. */
export const nameDisk = async (file: string, word: string): Promise<void> =>
  writeInto(file, [(await stat(file)).size - 512, Buffer.from(word)]);
