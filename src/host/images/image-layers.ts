import { dirname, join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { foreignHeader } from './foreign-header.ts';
import { readQcow2Header } from './qcow2-header.ts';

export interface ImageLayer {
  /** Absolute path. */
  readonly file: string;
  readonly encrypted: boolean;
}

/** More than any chain has. */
const deepest = 10_000;

/**
 * A qcow2 of a repository and its backing files, newest first, as their headers name them. Nothing but these headers is opened, and
 * nothing that is not beside the first.
 * @param file absolute path
 * @throws SendenseError `chain.damaged` for an image that is none of ours, `file.unreadable`
 */
export async function layersOf(file: string): Promise<ImageLayer[]> {
  const layers: ImageLayer[] = [];
  const seen = new Set<string>();
  for (let at: string | null = file; at !== null;) {
    const path: string = at;
    if (seen.has(path)) throw new SendenseError('chain.damaged', `${file} is built on itself, through ${path}`);
    if (seen.size >= deepest)
      throw new SendenseError('chain.damaged', `${file} is built on more than ${deepest} files, one on the other`);
    seen.add(path);
    const header = await readQcow2Header(path).catch((cause: NodeJS.ErrnoException) => {
      throw new SendenseError('file.unreadable', `${path} cannot be read (${cause.code ?? cause.message})`, { cause });
    });
    const foreign = foreignHeader(header);
    if (!header || foreign !== null)
      throw new SendenseError('chain.damaged', `${path} ${foreign}; nothing that it names was opened`);
    layers.push({ file: path, encrypted: header.encrypted });
    at = header.backing === null ? null : join(dirname(path), header.backing);
  }
  return layers;
}
