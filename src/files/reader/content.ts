import { SendenseError } from '../../errors/sendense-error.ts';
import type { NbdClient } from '../../host/nbd/nbd-client.ts';
import type { Answer, Ask, Extent } from '../protocol.ts';
import type { Channel } from './channel.ts';
import { ExtentLines } from './extents.ts';

export interface ContentOptions {
  readonly signal?: AbortSignal | undefined;
  /** One piece after the other, in the order of the file; a piece is the caller's. */
  onBytes(bytes: Buffer): Promise<void> | void;
  /** So many bytes of zeros come next. Without it they come as bytes. */
  onHole?(length: number): Promise<void> | void;
}

/** Largest request to a disk, bytes, and how many are under way. */
const requestBytes = 1024 * 1024;
const window = 8;

/**
 * The content of a regular file: from the disk itself where the guest says where it lies, else through the guest.
 * @param layers the disks, by slot
 */
export async function readContent(
  { ask, layers }: { readonly ask: Channel['ask']; readonly layers: readonly NbdClient[] },
  asked: Ask<'read'>,
  options: ContentOptions,
): Promise<Answer<'read'>> {
  const { signal } = options;
  const lines = new ExtentLines();
  const { known, size } = await ask('extents', asked, { signal, onBytes: (bytes) => lines.add(bytes) });
  if (!known) return await ask('read', asked, options);
  const end = asked.length === null ? size : Math.min(size, asked.offset + asked.length);
  const extents = lines.extents({ from: asked.offset, end, disks: layers.map((layer) => layer.size) });
  let at = asked.offset;
  for (const run of runsOf(extents)) {
    const [first] = run;
    if (!first) continue;
    await giveHole(first[0] - at, options);
    at = run.reduce((sum, [, length]) => sum + length, first[0]);
    if (first[2] === null) await throughGuest(ask, { ...asked, offset: first[0], length: at - first[0] }, options);
    else await fromLayers(layers, run, options);
  }
  await giveHole(end - at, options);
  return { bytes: Math.max(end - asked.offset, 0) };
}

/** Extents that follow one another without a hole and are read the same way. */
function* runsOf(extents: readonly Extent[]): Generator<readonly Extent[]> {
  let run: Extent[] = [];
  for (const extent of extents) {
    const last = run.at(-1);
    if (last && (last[0] + last[1] !== extent[0] || (last[2] === null) !== (extent[2] === null))) {
      yield run;
      run = [];
    }
    run.push(extent);
  }
  if (run.length > 0) yield run;
}

async function throughGuest(ask: Channel['ask'], piece: Ask<'read'>, options: ContentOptions): Promise<void> {
  const { bytes } = await ask('read', piece, options);
  // Less than it said that the file has: the rest would be missing in the middle.
  const damaged = `the file ends at ${piece.offset + bytes}, before its end`;
  if (bytes !== piece.length) throw new SendenseError('files.damaged', damaged);
}

/** Zeros for a caller that knows no holes. */
const zeros = Buffer.alloc(requestBytes);

async function giveHole(length: number, { signal, onBytes, onHole }: ContentOptions): Promise<void> {
  if (length <= 0) return;
  if (onHole) return await onHole(length);
  for (let done = 0; done < length; done += requestBytes) {
    signal?.throwIfAborted();
    await onBytes(Buffer.from(zeros.subarray(0, Math.min(requestBytes, length - done))));
  }
}

async function fromLayers(
  layers: readonly NbdClient[],
  run: readonly Extent[],
  { signal, onBytes }: ContentOptions,
): Promise<void> {
  const waiting: Promise<Buffer>[] = [];
  const take = async (): Promise<void> => {
    const piece = await waiting.shift();
    signal?.throwIfAborted();
    if (piece) await onBytes(piece);
  };
  try {
    for (const { slot, offset, length } of requestsOf(run)) {
      if (waiting.length === window) await take();
      waiting.push(readPiece(layers[slot], offset, length));
    }
    while (waiting.length > 0) await take();
  } finally {
    await Promise.allSettled(waiting);
  }
}

function* requestsOf(run: readonly Extent[]): Generator<{ slot: number; offset: number; length: number }> {
  for (const [, bytes, slot, offset] of run)
    for (let done = 0; done < bytes; done += requestBytes)
      yield { slot: slot ?? -1, offset: offset + done, length: Math.min(requestBytes, bytes - done) };
}

async function readPiece(layer: NbdClient | undefined, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  await layer?.read(offset, bytes);
  return bytes;
}
