import { fsyncSync, openSync, closeSync, linkSync, rmSync, unlinkSync, writeFileSync, type Stats } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { isNoSpace } from '../../errors/no-space.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { replaceFile } from '../../host/files/replace-file.ts';

/** As those that people write. */
const newMode = 0o644;

/** Makes a file, durably, unless the name is taken. @param shown its path in messages @throws SendenseError `file.exists`, `plan.unwritable`, `disk.full` */
export function writeNew(path: string, text: string, shown: string): void {
  const temporary = join(dirname(path), `.${randomUUID()}.sendense-part`);
  told(shown, () => {
    try {
      const descriptor = openSync(temporary, 'wx', newMode);
      try {
        writeFileSync(descriptor, text);
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
      // A name that is taken stays what it is, also where it was taken a moment ago.
      linkSync(temporary, path);
    } finally {
      rmSync(temporary, { force: true });
    }
    syncFolder(dirname(path));
  });
}

/** Replaces a file, durably; owner and mode stay. @throws SendenseError `plan.unwritable`, `disk.full` */
export function writeOver(path: string, text: string, { uid, gid, mode }: Stats, shown: string): void {
  told(shown, () => replaceFile(path, text, { mode: mode & 0o777, owner: { uid, gid }, exactMode: true }));
}

/** @throws SendenseError `plan.unwritable` */
export function removeFile(path: string, shown: string): void {
  told(shown, () => {
    unlinkSync(path);
    syncFolder(dirname(path));
  });
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** What the system says, in words that name the file. */
function told(shown: string, act: () => void): void {
  try {
    act();
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST')
      throw new SendenseError('file.exists', `${shown} exists already`, {
        cause,
        remedy: 'Choose another name, or change the file that is there.',
        details: { field: 'file' },
      });
    if (isNoSpace(code))
      throw new SendenseError('disk.full', `${shown} cannot be written: its file system is full`, { cause });
    throw new SendenseError('plan.unwritable', `${shown} cannot be written (${code || (cause as Error).message})`, {
      cause,
    });
  }
}
