import type { Levels } from './levels.ts';
import { basename, dirname, join } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import type { ImageKey } from '../host/images/image-options.ts';
import { mostLevels, pageKinds } from './block-index-format.ts';
import { openIndexFile, versionAt, type IndexFile } from './index-file.ts';
import type { IndexShelf } from './index-shelf.ts';

/** More often than removals change the files of one chain while it is opened. */
const mostTries = 5;

export interface OpenLevels {
  /** Where files are that are open already, and where these stay. */
  readonly shelf?: IndexShelf | undefined;
  /** All that its own file has, where that is known. */
  readonly bytes?: Buffer | undefined;
}

/**
 * Opens an index and all that it is built on. A removal of restore points may give one of the files another form meanwhile, and
 * then take away what that was built on: it is opened anew then. What is open stays readable.
 */
export async function openLevels(
  path: string,
  key: ImageKey | null,
  { shelf, bytes }: OpenLevels = {},
): Promise<Levels> {
  const there = shelf?.get(path);
  if (there) return there;
  for (let tries = 1; ; tries++) {
    const opened: IndexFile[] = [];
    try {
      const levels = await openAll(path, key, opened, { shelf, ...(tries === 1 ? { bytes } : {}) });
      await shelf?.put(levels);
      return levels;
    } catch (error) {
      const replaced = wasReplaced(opened);
      for (const file of opened) await file[Symbol.asyncDispose]();
      if (!replaced || tries === mostTries) throw error;
    }
  }
}

const wasReplaced = (files: readonly IndexFile[]): boolean =>
  files.some(({ path, version }) => {
    const now = versionAt(path);
    return now !== null && now !== version;
  });

async function openAll(
  path: string,
  key: ImageKey | null,
  opened: IndexFile[],
  { shelf, bytes }: OpenLevels,
): Promise<Levels> {
  const own = await openIndexFile(path, key, { bytes });
  opened.push(own);
  const names = new Set([basename(path).replace(/\.index(?:\.sendense-part)?$/, '')]);
  for (let file = own; file.header.parent !== null;) {
    const { name } = file.header.parent;
    if (names.has(name)) throw file.damaged(`it is built on itself, through ${name}`);
    if (names.size === mostLevels) throw file.damaged(`it is built on more than ${mostLevels - 1} others`);
    names.add(name);
    const below = join(dirname(path), `${name}.index`);
    const known = shelf?.get(below);
    if (known) return onShelved(opened, known);
    const parent = await openParent(file, below, key);
    opened.push(parent);
    assertFits(file, parent);
    if (file !== own) file.forget();
    file = parent;
  }
  if (opened.length > 1) opened.at(-1)?.forget();
  return [own, ...opened.slice(1)];
}

/** What is below was found to fit when it was opened. */
function onShelved(opened: readonly IndexFile[], known: Levels): Levels {
  const levels = [...opened, ...known];
  const file = opened.at(-1) ?? known[0];
  if (levels.length > mostLevels) throw file.damaged(`it is built on more than ${mostLevels - 1} others`);
  const twice = known.find(({ path }) => opened.some((entry) => entry.path === path));
  if (twice) throw file.damaged(`it is built on itself, through ${twice.path}`);
  assertFits(file, known[0]);
  known[0].forget();
  return levels as unknown as Levels;
}

async function openParent(file: IndexFile, path: string, key: ImageKey | null): Promise<IndexFile> {
  try {
    return await openIndexFile(path, key, { capacity: file.header.capacity });
  } catch (error) {
    if (!(error instanceof SendenseError) || error.code !== 'file.unreadable') throw error;
    throw file.damaged(`it is built on ${path}: ${error.message}`, error);
  }
}

/** What an index takes over from its parent is what it was when the index was made. */
function assertFits(file: IndexFile, parent: IndexFile): void {
  const { header } = file;
  if (parent.root !== header.parent?.root || parent.header.capacity !== header.capacity)
    throw file.damaged(`it is built on ${header.parent?.root}, and ${parent.path} is ${parent.root}`);
  for (let page = 0; page < file.pageCount; page++) {
    if (file.place(page).kind === pageKinds.same && !file.digest(page).equals(parent.digest(page)))
      throw file.damaged(`page ${page} is not that of ${parent.path}`);
  }
}
