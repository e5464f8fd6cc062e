import { lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Why a file of a repository lies elsewhere, for one of the folders above it is a link; null: it lies in the repository. What follows
 * the name of the file in a sentence.
 * @param path relative to the repository
 */
export function strayFolder(root: string, path: string): string | null {
  for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) {
    // Asked for each file: another thread would take longer to be told of it than the kernel does to answer.
    if (isOther(join(root, folder))) return `lies outside of the repository: ${folder} is no folder but a link`;
  }
  return null;
}

/** What is not there is another's to tell of. */
function isOther(folder: string): boolean {
  try {
    return !(lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? true);
  } catch {
    return false;
  }
}
