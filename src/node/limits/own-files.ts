import { realpath } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { DiscoverRequest } from '../../schemas/types.ts';
import { filesOf } from '../sources/index.ts';

/**
 * No file of the node itself is a disk: its token, its keys, and what jobs left. Symbolic links are followed.
 * @param own files and folders of the node
 * @throws SendenseError `request.invalid` with the field
 */
export async function assertNotOwn(source: DiscoverRequest['source'], own: readonly string[]): Promise<void> {
  const kept = await Promise.all(own.map(real));
  for (const { path, field } of await filesOf(source)) {
    const found = await real(path);
    if (!kept.some((one) => found === one || found.startsWith(one + sep))) continue;
    throw new SendenseError('request.invalid', `${path} is a file of this node itself, not a disk`, {
      details: { field },
    });
  }
}

/** What is not there yet is judged by its name. */
const real = (path: string): Promise<string> => realpath(path).catch(() => resolve(path));
