import type { Readable } from 'node:stream';
import { installSignals } from '../../engine/install-signals.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { FilesDifferenceOutput, FilesEntry } from '../../schemas/types.ts';
import { filesDifferenceReport, filesDifferencesEnd } from '../../view/reports/files-found-report.ts';
import type { CommandContext } from '../command.ts';
import { differenceOf, merged, needsBytes, whatDiffers } from '../files/differences.ts';
import { pointRequest } from '../files/file-target.ts';
import type { FilePlace, FilesClient } from '../files/files-client.ts';
import { searchIn } from '../files/found.ts';
import { openPoint, passphraseOf, type OpenPoint } from '../files/in-point.ts';
import { reachFiles } from '../files/reach-files.ts';
import { print } from '../print.ts';
import { tellUnreadable } from './files-find.ts';

interface Sides {
  readonly volume: string;
  /** Null: this restore point has no such volume, or none that can be read. */
  readonly before: FilePlace | null;
  readonly after: FilePlace | null;
  readonly fileSystem: string | null;
}

export async function diff(context: CommandContext): Promise<number> {
  const [first = '', second = '', text] = context.args;
  const { content = false } = context.options as { readonly content?: boolean };
  const requests = [await pointRequest(context, first), await pointRequest(context, second)] as const;
  using signals = installSignals();
  const signal = signals.gently;
  await using reached = await reachFiles(context);
  const { client } = reached;
  const passphrase = passphraseOf(context);
  const before = await openPoint(context, client, requests[0], passphrase);
  const after = await openPoint(context, client, requests[1], passphrase);
  const trouble: string[] = [];
  const counts = { added: 0, removed: 0, changed: 0, metadata: 0 };
  for (const sides of await sidesOf(before, after, text))
    for await (const found of differencesIn(client, sides, { content, signal, trouble })) {
      counts[found.change]++;
      print(context, found, (options) => filesDifferenceReport(found, options));
    }
  if (!context.global.json && !context.global.quiet) context.terminal.stderr.write(`${filesDifferencesEnd(counts)}\n`);
  return tellUnreadable(context, trouble);
}

async function sidesOf(before: OpenPoint, after: OpenPoint, text: string | undefined): Promise<Sides[]> {
  const typeIn = (volume: string): string | null =>
    [...after.files.volumes, ...before.files.volumes].find(({ id }) => id === volume)?.type ?? null;
  if (text !== undefined) {
    const place = await before.at(text);
    return [{ volume: place.volume, before: place, after: await after.at(text), fileSystem: typeIn(place.volume) }];
  }
  const [old, now] = [await before.roots(), await after.roots()];
  const volumes = [...new Set([...old, ...now].map(({ volume }) => volume))];
  if (volumes.length === 0)
    throw new SendenseError('files.volume', 'neither restore point has a volume that can be read');
  return volumes.map((volume) => ({
    volume,
    before: old.find((one) => one.volume === volume) ?? null,
    after: now.find((one) => one.volume === volume) ?? null,
    fileSystem: typeIn(volume),
  }));
}

interface Work {
  readonly content: boolean;
  readonly signal: AbortSignal;
  readonly trouble: string[];
}

/** By walking both sides. A volume whose blocks are all the same by the block index would be left out here. */
async function* differencesIn(
  client: FilesClient,
  { volume, before, after, fileSystem }: Sides,
  { content, signal, trouble }: Work,
): AsyncGenerator<FilesDifferenceOutput> {
  const walk = (place: FilePlace | null): AsyncIterable<FilesEntry> =>
    place === null
      ? nothing()
      : searchIn(client, place, {}, { signal, ended: ({ unreadable }) => trouble.push(...unreadable) });
  for await (const pair of merged(walk(before), walk(after))) {
    let what = pair.before && pair.after ? whatDiffers(pair.before, pair.after, fileSystem) : [];
    if (content && before && after && pair.before && pair.after && needsBytes(pair.before, what)) {
      const at = (place: FilePlace, { id }: FilesEntry): FilePlace => ({ ...place, path: id });
      const same = await sameBytes(client, at(before, pair.before), at(after, pair.after), signal);
      if (!same) what = ['content', ...what];
    }
    const found = differenceOf(volume, pair, what);
    if (found) yield found;
  }
}

// eslint-disable-next-line require-yield
async function* nothing(): AsyncGenerator<FilesEntry> {}

async function sameBytes(client: FilesClient, a: FilePlace, b: FilePlace, signal: AbortSignal): Promise<boolean> {
  const [one, other] = [await client.content(a, { signal }), await client.content(b, { signal })];
  try {
    return await equalStreams(one, other);
  } finally {
    one.destroy();
    other.destroy();
  }
}

/** Keeps no more than what one stream is ahead of the other. */
export async function equalStreams(a: Readable, b: Readable): Promise<boolean> {
  const [one, other] = [a[Symbol.asyncIterator](), b[Symbol.asyncIterator]()];
  let [left, right] = [Buffer.alloc(0) as Buffer, Buffer.alloc(0) as Buffer];
  for (;;) {
    if (left.length === 0) left = (((await one.next()) as IteratorResult<Buffer, undefined>).value ?? ended) as Buffer;
    if (right.length === 0)
      right = (((await other.next()) as IteratorResult<Buffer, undefined>).value ?? ended) as Buffer;
    if (left === ended || right === ended) return left === right;
    const length = Math.min(left.length, right.length);
    if (left.compare(right, 0, length, 0, length) !== 0) return false;
    [left, right] = [left.subarray(length), right.subarray(length)];
  }
}

const ended = Buffer.from('ended');
