import { dirname, join } from 'node:path';
import { backingNameOf, readQcow2Header, type Qcow2Header } from '../host/qcow2-header.ts';
import { backingName } from './layout.ts';

/** What QEMU makes for us, or leaves to `qemu-img check`: dirty, corrupt, compression type. */
const knownFeatures = 1n | 2n | 8n;

/**
 * Why an image of a repository must not be opened, by its header alone; null: it is one of ours, which takes its content from
 * itself and from files beside it. Another one may name any file of this machine: a restore would read it, a merge write to it.
 * What is no qcow2 at all names nothing, and cannot be opened as one.
 * @param file absolute path
 * @param parent backup id that it has to be built on; null: on none; left out: on whichever beside it
 * @returns what follows its name in a sentence
 * @throws an error of the file system as it is
 */
export async function foreignImage(file: string, parent?: string | null): Promise<string | null> {
  const header = await readQcow2Header(file);
  if (!header) return null;
  if (header.externalData) return 'has its data in another file';
  const strange = header.incompatibleFeatures & ~knownFeatures;
  if (strange !== 0n) return `has qcow2 features that Sendense does not use (0x${strange.toString(16)})`;
  return foreignBacking(header, parent);
}

/** As {@link foreignImage}, of an image and of all that it is built on: whoever opens it opens those, too. */
export async function foreignInChain(file: string, parent: string | null): Promise<string | null> {
  const own = await foreignImage(file, parent);
  const seen = new Set([file]);
  let below = own === null ? await backingNameOf(file) : null;
  while (below != null) {
    const path = join(dirname(file), below);
    if (seen.has(path)) return `is built on itself, through ${below}`;
    seen.add(path);
    const foreign = await foreignImage(path);
    if (foreign !== null) return `is built on ${below}, which ${foreign}`;
    below = await backingNameOf(path);
  }
  return own;
}

function foreignBacking({ backing }: Qcow2Header, parent: string | null | undefined): string | null {
  if (parent === undefined)
    return backing !== null && /[/:]/.test(backing) ? `is built on ${backing}, which is not a file beside it` : null;
  const expected = parent === null ? null : backingName(parent);
  return backing === expected
    ? null
    : `names the backing file ${backing ?? 'none'}, ${expected ?? 'none'} was committed`;
}
