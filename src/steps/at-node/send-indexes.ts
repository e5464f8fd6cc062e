import { join } from 'node:path';
import { Readable } from 'node:stream';
import { indexFormats, mostLevels, type IndexFormat } from '../../blocks/block-index-format.ts';
import { openIndex } from '../../blocks/block-index.ts';
import { indexBytes } from '../../blocks/index-bytes.ts';
import { alone } from '../../blocks/index-form.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { ImageKey } from '../../host/images/image-options.ts';
import type { NodeClient } from '../../host/node-api/node-client.ts';
import type { ImageKeys } from '../../repository/image-keys.ts';
import type { NodeTransferInput } from '../../schemas/types.ts';
import { sha256OfContent, sha256OfStream } from './transfer-files.ts';

/** What the node has of the parents' block indexes. */
export interface SentIndexes {
  /** The best that both sides know. */
  readonly format: IndexFormat;
  /** By disk key. */
  readonly previous: ReadonlyMap<string, SentIndex>;
}

interface SentIndex {
  /** Of what was sent, hex. */
  readonly sha256: string;
  /** The restore point whose index the new one may be built on; null: it has to stand alone. */
  readonly parent: string | null;
}

/** Makes the parents' block indexes known to the node, each as one file that stands alone. */
export async function sendIndexes(
  client: NodeClient,
  root: string,
  input: NodeTransferInput,
  keys: ImageKeys,
  signal: AbortSignal,
): Promise<SentIndexes> {
  const format = await bestFormat(client, signal);
  const previous = new Map<string, SentIndex>();
  for (const disk of input.disks) {
    if (!disk.parent) continue;
    const file = join(root, disk.parent.index_path);
    // Of the same chain, and so of the same key.
    const key = keys.of(disk);
    const { root: digest, levels, asItIs } = await lookAt(file, key, format);
    // Whoever compares with another content than the one that was chosen leaves changes out.
    if (digest !== disk.parent.digest)
      throw new SendenseError('repository.damaged', `${file} has digest ${digest}, ${disk.parent.digest} was chosen`);
    const sha256 = asItIs
      ? await sendFile(client, file, key, signal)
      : await sendAlone(client, file, key, format, signal);
    previous.set(disk.key, { sha256, parent: format > 1 && levels < mostLevels ? disk.parent.backup_id : null });
  }
  return { format, previous };
}

/** Makes one block index known to the node, as one file that stands alone. @returns its SHA-256, hex */
export async function sendIndex(
  client: NodeClient,
  file: string,
  key: ImageKey | null,
  signal: AbortSignal,
): Promise<string> {
  return sendAlone(client, file, key, await bestFormat(client, signal), signal);
}

async function sendFile(client: NodeClient, file: string, key: ImageKey | null, signal: AbortSignal): Promise<string> {
  const sha256 = await sha256OfContent(file, key, signal);
  await client.putIndex(sha256, file, signal, key);
  return sha256;
}

async function sendAlone(
  client: NodeClient,
  file: string,
  key: ImageKey | null,
  format: IndexFormat,
  signal: AbortSignal,
): Promise<string> {
  // Made twice, so that neither memory nor disk has to hold it.
  const content = (): Readable => Readable.from(bytesAlone(file, key, format), { objectMode: false });
  const sha256 = await sha256OfStream(content(), signal);
  await client.putIndex(sha256, content, signal);
  return sha256;
}

async function bestFormat(client: NodeClient, signal: AbortSignal): Promise<IndexFormat> {
  try {
    const { formats } = await client.indexFormats(signal);
    return indexFormats.findLast((format) => formats.includes(format)) ?? 1;
  } catch (error) {
    if (error instanceof SendenseError && error.details?.['status'] === 404) return 1;
    throw error;
  }
}

/** What an index says, how many files it is made of, and whether the node can have its own one as it is. */
async function lookAt(
  file: string,
  key: ImageKey | null,
  format: IndexFormat,
): Promise<{ root: string; levels: number; asItIs: boolean }> {
  await using index = await openIndex(file, { key });
  const { length: levels } = index.levels;
  return { root: index.root, levels, asItIs: levels === 1 && index.levels[0]?.format === format };
}

async function* bytesAlone(file: string, key: ImageKey | null, format: IndexFormat): AsyncGenerator<Buffer> {
  await using index = await openIndex(file, { key });
  yield* indexBytes(index, alone(format));
}
