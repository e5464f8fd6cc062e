import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync, type Stats } from 'node:fs';
import { link, lstat, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { exists, fsyncFolder, isNamed, nameFile, writeNewFile } from '../../host/files/files.ts';
import { withPath } from '../../host/files/with-path.ts';
import type { VmHold } from './vm-hold.ts';

/**
 * The only ways in which a committed file of a VM, or what says of one, gets its name, is replaced or goes. Each is one rename or link
 * out of the holder's own folder, or into it: where that folder is gone, the lock was lost, and nothing happens.
 * All throw `run.overtaken` then.
 */

/** Whether the lock is still held at this moment; what follows may be later than a loss. Use the ways below where it matters. */
export async function assertHeld(hold: VmHold): Promise<void> {
  if (!(await exists(hold.folder))) throw overtaken(hold);
}

const overtaken = ({ context, fence }: VmHold, cause?: unknown): SendenseError =>
  new SendenseError(
    'run.overtaken',
    `the lock of VM ${context} (fence ${fence}) is lost: another hub took it over, because this one gave no sign of life`,
    { cause },
  );

const own = ({ folder }: VmHold): string => join(folder, randomUUID());

const gone = (error: unknown): boolean => ['ENOENT', 'ESTALE'].includes((error as NodeJS.ErrnoException).code ?? '');

/**
 * What an error of the file system means: where the folder is gone, or the file that was staged in it, the lock is lost. Whoever takes it
 * over removes first what is in the folder. `act` makes that file before it does anything else.
 */
async function explained<T>(hold: VmHold, staged: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (gone(error) && !(await isNamed(staged))) throw overtaken(hold, error);
    throw error;
  }
}

/** A VM's folder may be a file system of its own: what cannot be moved between them is done after a last look. */
const isElsewhere = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EXDEV';

/** Makes a new file with this content, durably; never over another. @throws SendenseError `file.exists` */
export async function publishText(hold: VmHold, path: string, text: string): Promise<void> {
  const staged = own(hold);
  await explained(hold, staged, async () => {
    await writeNewFile(staged, text, 0o400);
    try {
      await nameFile(staged, path);
    } catch (error) {
      if (!isElsewhere(error)) throw error;
      await publishBeside(hold, path, text);
    }
  }).finally(() => rm(staged, { force: true }));
  await fsyncFolder(dirname(path));
}

async function publishBeside(hold: VmHold, path: string, text: string): Promise<void> {
  const temporary = `${path}.sendense-part`;
  await rm(temporary, { force: true });
  await writeNewFile(temporary, text, 0o400);
  await assertHeld(hold);
  await nameFile(temporary, path).finally(() => rm(temporary, { force: true }));
}

/** Puts a file with this content in the place of the one before, if there is one, durably. */
export async function replaceText(hold: VmHold, path: string, text: string): Promise<void> {
  const staged = own(hold);
  await explained(hold, staged, async () => {
    await writeNewFile(staged, text, 0o400);
    try {
      await rename(staged, path);
    } catch (error) {
      if (!isElsewhere(error)) throw error;
      const temporary = `${path}.sendense-part`;
      await rm(temporary, { force: true });
      await writeNewFile(temporary, text, 0o400);
      await assertHeld(hold);
      await rename(temporary, path);
    }
  }).finally(() => rm(staged, { force: true }));
  await fsyncFolder(dirname(path));
}

/**
 * Makes a file in the holder's own folder and gives it its name when it is complete, over what was there: nobody who lost the lock
 * can still be writing to it.
 * @param make creates the file and flushes it
 */
export async function placeFile(hold: VmHold, path: string, make: (file: string) => Promise<void>): Promise<void> {
  const staged = own(hold);
  await explained(hold, staged, async () => {
    await make(staged);
    try {
      await rename(staged, path);
    } catch (error) {
      if (!isElsewhere(error)) throw error;
      await rm(path, { force: true });
      await make(path);
      await assertHeld(hold);
    }
  }).finally(() => rm(staged, { force: true }));
  await fsyncFolder(dirname(path));
}

/** As {@link replaceText}, within one turn of the event loop. */
export function replaceTextNow(hold: VmHold, path: string, text: string): void {
  const staged = own(hold);
  try {
    writeFlushed(staged, text);
    try {
      renameSync(staged, path);
    } catch (error) {
      if (!isElsewhere(error)) throw error;
      const temporary = join(dirname(path), `.${randomUUID()}.sendense-part`);
      writeFlushed(temporary, text);
      if (!existsSync(hold.folder)) throw overtaken(hold, error);
      renameSync(temporary, path);
    }
  } catch (error) {
    const isLost = gone(error) && !existsSync(staged);
    rmSync(staged, { force: true });
    throw isLost ? overtaken(hold, error) : error;
  }
  flushFolder(path);
}

/** As {@link removeFile}, durably and within one turn of the event loop. */
export function removeTextNow(hold: VmHold, path: string): void {
  const staged = own(hold);
  try {
    renameSync(path, staged);
  } catch (error) {
    if (!existsSync(hold.folder)) throw overtaken(hold, error);
    if (gone(error)) return;
    if (!isElsewhere(error)) throw error;
    rmSync(path, { force: true });
  }
  rmSync(staged, { force: true });
  flushFolder(path);
}

/** What a folder says of a name is on the disk when this returns. */
function flushFolder(path: string): void {
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function writeFlushed(path: string, text: string): void {
  const descriptor = openSync(path, 'wx', 0o400);
  try {
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } catch (error) {
    throw withPath(error, path);
  } finally {
    closeSync(descriptor);
  }
}

/** Removes a file; one that is not there is fine. Its name is gone at once, durably only with {@link fsyncFolder}. */
export async function removeFile(hold: VmHold, path: string): Promise<void> {
  const staged = own(hold);
  try {
    await rename(path, staged);
  } catch (error) {
    if (gone(error)) return assertHeld(hold);
    if (!isElsewhere(error)) throw error;
    await assertHeld(hold);
    return rm(path, { force: true });
  }
  await rm(staged, { force: true });
}

const lstatIfThere = (path: string): Promise<Stats | null> =>
  lstat(path).catch((error: unknown) => {
    if (gone(error)) return null;
    throw error;
  });

/** Gives a file the name of another, whose place it takes. A kill leaves the file under one of its names, or both. */
export async function renameFile(hold: VmHold, from: string, to: string): Promise<void> {
  const staged = own(hold);
  try {
    await link(from, staged);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    await assertHeld(hold);
    if (!['EXDEV', 'EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EMLINK'].includes(code)) throw error;
    return rename(from, to);
  }
  await explained(hold, staged, async () => {
    await rename(staged, to);
    // Two names of one file: rename(2) does nothing and says that all is well.
    await rm(staged, { force: true });
  });
  // Whoever took the lock over since may have moved either: then there is nothing left to do here.
  const [there, old] = await Promise.all([to, from].map(lstatIfThere));
  if (there && old && old.ino === there.ino) await rm(from, { force: true });
}

/** Another name for a file, in the holder's folder; null: this file system cannot. What opens the file by it does so only while the lock is held. */
export async function nameUnder(hold: VmHold, path: string): Promise<string | null> {
  const staged = own(hold);
  try {
    await link(path, staged);
    return staged;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!['EXDEV', 'EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EMLINK'].includes(code)) {
      await assertHeld(hold);
      throw error;
    }
    await assertHeld(hold);
    return null;
  }
}
