import type { FilesOutput } from '../../schemas/types.ts';
import type { CommandContext } from '../command.ts';
import { placeIn, pointRequest } from './file-target.ts';
import type { FilePlace, FilesClient } from '../../files/client/files-client.ts';
import { passphraseIn } from './passphrase.ts';
import { reachFiles } from './reach-files.ts';

interface Options {
  readonly passphraseFile?: string;
}

/** An open restore point, for one command. */
export interface OpenPoint {
  readonly client: FilesClient;
  readonly files: FilesOutput;
  /** The file or folder that a word of the command line means; its volume is unlocked. */
  at(text: string): Promise<FilePlace>;
  /** Roots of all volumes that can be read, unlocked ones among them. */
  roots(): Promise<readonly FilePlace[]>;
}

/** Opens the restore point that a word of the command line means, for what `act` does. */
export async function inPoint<T>(
  context: CommandContext,
  act: (point: OpenPoint) => Promise<T>,
  text = context.args[0] ?? '',
): Promise<T> {
  const request = await pointRequest(context, text);
  await using reached = await reachFiles(context);
  return await act(await openPoint(context, reached.client, request));
}

/** As {@link inPoint}, with the file or folder that the second argument means. */
export const atPlace = <T>(
  context: CommandContext,
  act: (point: OpenPoint, place: FilePlace) => Promise<T>,
): Promise<T> => inPoint(context, async (point) => act(point, await point.at(context.args[1] ?? '/')));

/** @param passphrase what the passphrase file holds; standard input can be read once only */
export async function openPoint(
  context: CommandContext,
  client: FilesClient,
  request: Parameters<FilesClient['open']>[0],
  passphrase: () => Promise<string | null> = passphraseOf(context),
): Promise<OpenPoint> {
  let files = await client.open(request);
  /** With the passphrase of `--passphrase-file`, where it is locked. */
  const unlock = async (volume: string): Promise<void> => {
    if (files.volumes.find(({ id }) => id === volume)?.state !== 'encrypted') return;
    const words = await passphrase();
    if (words !== null) files = await client.unlock(files.id, volume, words);
  };
  return {
    client,
    get files() {
      return files;
    },
    async at(text) {
      const place = placeIn(files, text);
      await unlock(place.volume);
      return place;
    },
    async roots() {
      for (const { id } of files.volumes) await unlock(id);
      return files.volumes
        .filter(({ state }) => state === 'readable')
        .map(({ id }) => ({ session: files.id, volume: id, path: '' }));
    },
  };
}

/** What `--passphrase-file` holds, read when it is first needed; null without the option. */
export function passphraseOf(context: CommandContext): () => Promise<string | null> {
  const { passphraseFile } = context.options as Options;
  let known: Promise<string | null> | undefined;
  return () => (known ??= passphraseFile === undefined ? Promise.resolve(null) : passphraseIn(context, passphraseFile));
}
