import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';

/** Writes the picture of a screen, which may show secrets, into a file that is not there yet. @throws SendenseError `file.exists` */
export async function writePicture(file: string, bytes: Buffer): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  try {
    await writeFile(file, bytes, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new SendenseError('file.exists', `${file} exists already`, { cause: error });
  }
}
