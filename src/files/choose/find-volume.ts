import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import type { FilesOutput } from '../../schemas/types.ts';
import type { FilesClient } from '../client/files-client.ts';
import { pathOfText } from './place-text.ts';

/** A restore point that is open. */
export interface OpenedPoint {
  readonly client: FilesClient;
  readonly files: {
    /** Of the session. */
    readonly id: string;
    readonly volumes: readonly Pick<FilesOutput['volumes'][number], 'id' | 'state'>[];
  };
}

/**
 * The volume that a place means which names none: the only one that can be read, else the only one in which the path exists.
 * @throws SendenseError `files.volume`, `files.path`
 */
export async function findVolume({ client, files }: OpenedPoint, path: string): Promise<string> {
  const readable = files.volumes.filter(({ state }) => state === 'readable').map(({ id }) => id);
  const [only] = readable;
  if (only !== undefined && readable.length === 1) return only;
  if (only === undefined) throw nothingReadable(files.volumes);
  const holders: string[] = [];
  for (const volume of readable)
    if (await exists(client, { session: files.id, volume, path: pathOfText(path) })) holders.push(volume);
  const [holder] = holders;
  if (holder !== undefined && holders.length === 1) return holder;
  if (holder === undefined) throw new SendenseError('files.path', `/${path} is in none of ${readable.join(', ')}`);
  throw new SendenseError('files.volume', `/${path} is in ${holders.join(' and ')}: say which volume`, {
    remedy: `Write for example ${holder}:/${path}.`,
  });
}

async function exists(client: FilesClient, place: Parameters<FilesClient['stat']>[0]): Promise<boolean> {
  try {
    await client.stat(place, true, false);
    return true;
  } catch (error) {
    if (toSendenseError(error).code === 'files.path') return false;
    throw error;
  }
}

function nothingReadable(volumes: OpenedPoint['files']['volumes']): SendenseError {
  const locked = volumes.filter(({ state }) => state === 'encrypted').map(({ id }) => id);
  if (locked.length > 0) return new SendenseError('files.locked', `${locked.join(', ')}: encrypted`);
  const names = volumes.map(({ id }) => id).join(', ');
  return new SendenseError('files.volume', `no volume can be read; there are ${names || 'none'}`);
}
