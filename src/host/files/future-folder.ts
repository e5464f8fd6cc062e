import { realpath } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { exists } from './files.ts';

/** The folder itself, or the nearest one above it that is there. */
export async function nearestFolder(folder: string): Promise<string> {
  let there = folder;
  while (!(await exists(there))) there = dirname(there);
  return there;
}

/** Where a folder is, or will be once it is made, without links. */
export async function realFolder(folder: string): Promise<string> {
  const there = await nearestFolder(folder);
  return join(await realpath(there), relative(there, folder));
}

/** Whether a path is another one or lies below it; both without links. */
export const isWithin = (path: string, other: string): boolean => `${path}/`.startsWith(`${other}/`);
