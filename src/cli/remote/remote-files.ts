import { buffer } from 'node:stream/consumers';
import type { ArchiveStream } from '../../files/client/archive-stream.ts';
import type { AskFiles } from '../../files/client/ask-keeper.ts';
import { strange } from '../../files/client/judge-answers.ts';
import { filesClientBy, type FilePlace, type FilesClient } from '../../files/client/files-client.ts';
import { leftOutTrailer, linesOfTrailer } from '../../files/client/wire.ts';
import type { RestorePlaces } from '../../schemas/types.ts';
import type { HubConnection } from './hub-connection.ts';

/** The routes about files of a hub on another machine. All content comes over HTTP: the files of its repositories are out of reach. */
export function remoteFiles(hub: HubConnection): FilesClient {
  const ask: AskFiles = (path, request) => hub.stream(path, request);
  const client = filesClientBy(ask);
  return {
    ...client,
    places: (place, signal) => streamed(client, ask, place, signal),
    async archive({ session, ...body }, signal): Promise<ArchiveStream> {
      const stream = await ask(`/api/v1/restore/${session}/selection`, { method: 'POST', body, signal });
      return { stream, giveBack: () => {}, leftOut: () => linesOfTrailer(stream.trailers[leftOutTrailer]) };
    },
  };
}

/** Which file it is, and how long: it lies nowhere that this machine could read. */
async function streamed(
  client: FilesClient,
  ask: AskFiles,
  place: FilePlace,
  signal: AbortSignal | undefined,
): Promise<RestorePlaces> {
  const { volume, path } = place;
  const at = `/api/v1/restore/${place.session}/download?${new URLSearchParams({ volume, path }).toString()}`;
  const { headers } = await ask(at, { method: 'HEAD', signal })
    .then((answer) => answer.resume())
    // An answer to HEAD cannot say what is wrong.
    .catch(async (error: unknown) => {
      await buffer(await client.content(place, { to: 1, signal }));
      throw error;
    });
  const size = Number(headers['content-length']);
  if (!Number.isSafeInteger(size) || size < 0) throw strange('it does not say how long the file is');
  return { etag: headers.etag ?? '', size, files: [], places: null };
}
