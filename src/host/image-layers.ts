import { dirname, resolve } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { readQcow2Header, type Qcow2Header } from './qcow2-header.ts';

export interface ImageLayer {
  /** Absolute path. */
  readonly file: string;
  readonly encrypted: boolean;
}

/** More than any chain has: what comes after is a circle. */
const deepest = 10_000;

/**
 * A qcow2 and its backing files, newest first, as their headers name them.
 * @param file absolute path
 * @throws SendenseError `source.unsupported` for one that is no qcow2, `file.unreadable`
 */
export async function layersOf(file: string): Promise<ImageLayer[]> {
  const layers: ImageLayer[] = [];
  for (let at: string | null = file; at !== null;) {
    const path: string = at;
    const header: Qcow2Header | undefined = await readQcow2Header(path).catch((cause: NodeJS.ErrnoException) => {
      throw new SendenseError('file.unreadable', `${path} cannot be read (${cause.code ?? cause.message})`, { cause });
    });
    if (!header) throw new SendenseError('source.unsupported', `${at} is not a qcow2 file`);
    layers.push({ file: at, encrypted: header.encrypted });
    if (layers.length > deepest) throw new SendenseError('source.unsupported', `${file}: its backing files never end`);
    at = header.backing === null ? null : resolve(dirname(at), header.backing);
  }
  return layers;
}
