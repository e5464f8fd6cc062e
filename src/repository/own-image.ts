import { dirname, join } from 'node:path';
import { foreignHeader } from '../host/foreign-header.ts';
import { readQcow2Header, type Qcow2Header } from '../host/qcow2-header.ts';
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

/** As {@link foreignImage}, of an image and of all that it is built on: whoever opens it opens those, too. */
export async function foreignInChain(file: string, parent: string | null): Promise<string | null> {
  const own = await foreignImage(file, parent);
  if (own !== null) return own;
  const seen = new Set([file]);
  for (let below = await backingOf(file); below !== null;) {
    const path = join(dirname(file), below);
    if (seen.has(path)) return `is built on itself, through ${below}`;
    seen.add(path);
    const header = await readQcow2Header(path);
    const foreign = foreignHeader(header);
    if (foreign !== null) return `is built on ${below}, which ${foreign}`;
    below = header?.backing ?? null;
  }
  return null;
}

const backingOf = async (file: string): Promise<string | null> => (await readQcow2Header(file))?.backing ?? null;

function foreignBacking(header: Qcow2Header | undefined, parents: readonly (string | null)[]): string | null {
  const expected = parents.map((parent) => (parent === null ? null : backingName(parent)));
  const backing = header?.backing ?? null;
  return expected.includes(backing)
    ? null
    : `names the backing file ${backing ?? 'none'}, ${expected[0] ?? 'none'} was committed`;
}
