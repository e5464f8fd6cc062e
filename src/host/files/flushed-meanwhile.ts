import { open, type FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** Pause between two flushes, ms. */
const flushPause = 20;

/**
 * Flushes what another program writes to a file while it does, so that the disk works beside the processor and the flush at the end finds
 * little to do. Nothing is on the disk earlier than the kernel might have put it there anyway, and nothing is durable yet when this returns.
 * @param path may not be there yet
 * @param work until which the program writes
 */
export async function flushedMeanwhile<T>(path: string, work: Promise<T>): Promise<T> {
  const ended = new AbortController();
  const flushing = flushUntil(ended.signal, path);
  // Waited for below, when the program that writes has ended.
  flushing.catch(() => undefined);
  return work.finally(() => ended.abort()).finally(() => flushing);
}

async function flushUntil(ended: AbortSignal, path: string): Promise<void> {
  // The same all the time: a write that failed is told to whoever had the file open then.
  await using opened = new AsyncDisposableStack();
  let file: FileHandle | null = null;
  for (;;) {
    await delay(flushPause, undefined, { signal: ended }).catch(() => undefined);
    if (ended.aborted) return;
    if (file === null) file = opened.use(await openIfThere(path));
    await file?.datasync();
  }
}

async function openIfThere(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
