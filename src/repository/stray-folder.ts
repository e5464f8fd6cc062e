import { lstat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Why a file of a repository lies elsewhere, for one of the folders above it is a link; null: it lies in the repository. What follows
 * the name of the file in a sentence.
 * @param path relative to the repository
 */
export async function strayFolder(root: string, path: string): Promise<string | null> {
  for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) {
    const info = await lstat(join(root, folder)).catch(() => null);
    if (info && !info.isDirectory()) return `lies outside of the repository: ${folder} is no folder but a link`;
  }
  return null;
}
