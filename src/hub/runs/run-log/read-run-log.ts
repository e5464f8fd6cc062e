import { open, type FileHandle } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunEvent } from '../../../schemas/types.ts';

export interface ReadRunLogOptions {
  readonly file: string;
  /** Goes on until the run has ended. */
  readonly follow: boolean;
  /** Whether the process of the run lives: a log of one that died gets no longer. */
  alive(): boolean;
  readonly signal?: AbortSignal | undefined;
}

const everyMs = 250;
/** Looks at the log of a run that has ended, for its last line: it ends in the database first. */
const lastLooks = 4;
const pieceBytes = 256 * 1024;

/**
 * The events in the log of a run. A line that is no event (the last one, of a run that was cut off) is left out.
 * @throws ENOENT where there is none
 */
export async function* readRunLog({ file, follow, alive, signal }: ReadRunLogOptions): AsyncGenerator<RunEvent> {
  await using handle = await opened(file, follow ? alive : () => false, signal);
  const lines = lineSplitter();
  for (let looks = 0; ;) {
    // Asked before reading: what a run writes before it dies is then read.
    const lives = follow && alive();
    for await (const piece of piecesOf(handle)) {
      for (const line of lines(piece)) {
        const event = eventIn(line);
        if (!event) continue;
        yield event;
        if (follow && event.type === 'run.finished') return;
      }
    }
    if (!follow || signal?.aborted || (!lives && ++looks > lastLooks)) return;
    await delay(everyMs, undefined, signal ? { signal } : {}).catch(() => undefined);
  }
}

/** A run that has just begun has no log yet. */
async function opened(file: string, alive: () => boolean, signal: AbortSignal | undefined): Promise<FileHandle> {
  for (;;) {
    const lives = alive();
    try {
      return await open(file, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || !lives || signal?.aborted) throw error;
      await delay(everyMs, undefined, signal ? { signal } : {}).catch(() => undefined);
    }
  }
}

/** From where it was read up to, to the end that the file has now. */
async function* piecesOf(handle: FileHandle): AsyncGenerator<Buffer> {
  const buffer = Buffer.alloc(pieceBytes);
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

function lineSplitter(): (piece: Buffer) => string[] {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  return (piece) => {
    const lines = (rest + decoder.write(piece)).split('\n');
    rest = lines.pop() ?? '';
    return lines;
  };
}

/** What a line of a log says; null: it is no event. */
export function eventIn(line: string): RunEvent | null {
  try {
    const value = JSON.parse(line) as RunEvent | null;
    return typeof value?.type === 'string' && typeof value.time === 'number' ? value : null;
  } catch {
    return null;
  }
}
