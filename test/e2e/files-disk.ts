import { execa } from 'execa';
import { join } from 'node:path';
import { hurriedKdf } from '../support/hurried-kdf.ts';

const make = async (...words: readonly string[]): Promise<void> =>
  void (await execa(join(import.meta.dirname, 'files-disk.sh'), words));

/** Makes `disk.raw`, with an ext4 and an encrypted volume, in a folder. `words` is the passphrase, `wrong` another one. */
export const makeFilesDisk = async (folder: string, night: 'one' | 'two'): Promise<void> =>
  make(folder, night, 'locked', await hurriedKdf());

/** Makes `disk.raw` with an ext4 whose names and contents are hard for archives and browsers. */
export const makeWebDisk = (folder: string, night: string): Promise<void> => make(folder, night, 'web');
