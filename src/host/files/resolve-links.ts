import { lstat, readlink } from 'node:fs/promises';
import { join, parse, resolve, sep } from 'node:path';

/** Where a path leads. */
export interface Resolved {
  /** Without symbolic links. What is not there stays as it is named. */
  readonly path: string;
  /** User ids that own a symbolic link on the way: each of them says where the path leads. */
  readonly linkOwners: readonly number[];
}

/** As the kernel has it, path_resolution(7). */
const mostLinks = 40;

/**
 * Follows the symbolic links of a path, and says whose they are.
 * @param path absolute
 * @throws NodeJS.ErrnoException `ELOOP`
 */
export async function resolveLinks(path: string): Promise<Resolved> {
  const linkOwners: number[] = [];
  let at = parse(path).root;
  let rest = partsOf(path);
  while (rest.length > 0) {
    const [part = '', ...later] = rest;
    const next = part === '..' ? resolve(at, '..') : join(at, part);
    const info = await lstat(next).catch(() => null);
    if (!info?.isSymbolicLink()) {
      at = next;
      rest = later;
      continue;
    }
    linkOwners.push(info.uid);
    if (linkOwners.length > mostLinks)
      throw Object.assign(new Error(`ELOOP: ${path} leads through too many symbolic links`), { code: 'ELOOP' });
    const target = await readlink(next);
    if (target.startsWith(sep)) at = sep;
    rest = [...partsOf(target), ...later];
  }
  return { path: at, linkOwners };
}

const partsOf = (path: string): string[] => path.split(sep).filter((part) => part !== '' && part !== '.');
