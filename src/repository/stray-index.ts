import { openIndex } from '../blocks/block-index.ts';
import { parentOfIndex } from '../blocks/index-parent.ts';
import { SendenseError } from '../errors/sendense-error.ts';

/**
 * Why a block index cannot be taken over into a repository; null: it can. One that refers to another is of use only beside that, and
 * only while its disk is built on the same restore point. One that is encrypted is not looked into.
 * @param path absolute
 * @returns what follows its name in a sentence
 */
export async function strayIndex(
  path: string,
  { parent, digest }: { readonly parent: string | null; readonly digest: string },
): Promise<string | null> {
  try {
    const below = await parentOfIndex(path);
    if (below === null) return null;
    if (below.name !== parent) return `is built on ${below.name}, its disk is not`;
    await using index = await openIndex(path);
    return index.root === digest ? null : `has digest ${index.root}, its manifest says ${digest}`;
  } catch (error) {
    if (!(error instanceof SendenseError)) throw error;
    return error.code === 'repository.key' ? null : `cannot be used: ${error.message}`;
  }
}
