import { constants, type Stats } from 'node:fs';
import { access, lstat, readlink, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { kindOfFile } from './kind-of-file.ts';

/**
 * That this user can write to a folder, or make it.
 * @throws SendenseError `file.exists` where something else is in its place, `file.unreadable`
 */
export async function assertFolderToBe(directory: string): Promise<void> {
  let folder = directory;
  let facts = await factsOf(folder);
  while (facts === null) {
    folder = dirname(folder);
    facts = await factsOf(folder);
  }
  if (!facts.isDirectory())
    throw new SendenseError('file.exists', `${folder} is ${kindOfFile(facts)}, not a folder`, {
      remedy: wayOut(facts, folder),
    });
  await access(folder, constants.W_OK | constants.X_OK).catch((cause: unknown) => {
    throw new SendenseError('file.unreadable', `${folder} is not writable`, { cause });
  });
}

function wayOut(facts: Stats, file: string): string {
  const usual = 'Name a folder; Sendense makes it if it is missing.';
  if (facts.isFile()) return `${usual} Each disk gets a file of its own there. Sendense leaves ${file} as it is.`;
  if (!facts.isBlockDevice()) return usual;
  return `${usual} To write a disk to a device, restore it to a folder first, then: qemu-img convert -n -O raw FILE ${file}`;
}

/** Null: nothing has the name. */
async function factsOf(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ELOOP')
      throw new SendenseError('file.exists', `the links at ${path} lead in a circle`, {
        remedy: 'Remove the link, or name another folder.',
        cause: error,
      });
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
  }
  const link = await lstat(path).catch(() => null);
  if (link === null) return null;
  throw new SendenseError('file.exists', `${path} is a link to ${await readlink(path)}, which is not there`, {
    remedy: 'Make the folder that it leads to, remove the link, or name another folder.',
  });
}
