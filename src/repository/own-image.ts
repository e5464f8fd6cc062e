import { lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { foreignHeader } from '../host/images/foreign-header.ts';
import { readQcow2Header, type Qcow2Header } from '../host/images/qcow2-header.ts';
import { backingName } from './layout.ts';

/**
 * Why an image of a repository must not be opened, by its header alone; null: it is one of ours, which takes its content from
 * itself and from the file of its parent beside it.
 * @param file absolute path
 * @param parents backup ids on one of which it has to be built; null: on none
 * @returns what follows its name in a sentence
 * @throws an error of the file system as it is, also for what is no regular file
 */
export async function foreignImage(file: string, ...parents: readonly (string | null)[]): Promise<string | null> {
  const header = await readQcow2Header(file);
  return foreignHeader(header) ?? foreignBacking(header, parents);
}

/** Images that were found to be ours just now, with all that they are built on. */
export interface JudgedImages {
  /** Whether it was, and is the same file since. */
  has(path: string): boolean;
  add(path: string): void;
}

export function createJudgedImages(): JudgedImages {
  const versions = new Map<string, string>();
  return {
    has: (path) => versions.has(path) && versions.get(path) === versionOf(path),
    add: (path) => void versions.set(path, versionOf(path)),
  };
}

/** Nobody can set back the time of the last change, the last of them. */
function versionOf(path: string): string {
  const info = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return info ? [info.dev, info.ino, info.size, info.mtimeNs, info.ctimeNs].join(' ') : 'gone';
}

/**
 * As {@link foreignImage}, of an image and of all that it is built on: whoever opens it opens those, too.
 * @param header of the image
 * @param judged what need not be looked at again; learns what was looked at
 */
export async function foreignInChain(
  file: string,
  header: Qcow2Header | undefined,
  parent: string | null,
  judged: JudgedImages = createJudgedImages(),
): Promise<string | null> {
  const own = foreignHeader(header) ?? foreignBacking(header, [parent]);
  if (own !== null) return own;
  const seen = new Set([file]);
  for (let below = header?.backing ?? null; below !== null;) {
    const path = join(dirname(file), below);
    if (seen.has(path)) return `is built on itself, through ${below}`;
    if (judged.has(path)) break;
    seen.add(path);
    const next = await readQcow2Header(path);
    const foreign = foreignHeader(next);
    if (foreign !== null) return `is built on ${below}, which ${foreign}`;
    below = next?.backing ?? null;
  }
  for (const path of seen) judged.add(path);
  return null;
}

function foreignBacking(header: Qcow2Header | undefined, parents: readonly (string | null)[]): string | null {
  const expected = parents.map((parent) => (parent === null ? null : backingName(parent)));
  const backing = header?.backing ?? null;
  return expected.includes(backing)
    ? null
    : `names the backing file ${backing ?? 'none'}, ${expected[0] ?? 'none'} was committed`;
}
