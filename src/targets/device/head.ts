import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { putBytes } from '../append-file.ts';
import type { ClaimFacts } from '../target-kind.ts';

/**
 * The beginning of a disk: its partition table, or the first superblock of its file system. A restore writes it last, so that nobody
 * takes a device for whole before it is. Bytes.
 */
const usualHead = 2 ** 20;
/** The mark of an unfinished restore stands here, and what replaces it is written in one piece. */
const markBytes = 4096;

export const headBytes = (capacity: number): number => Math.min(usualHead, capacity);

const word = 'sendense-restore/1';

/** What stands in the first block of a device that is not whole yet. It is no file system's signature. */
export const markOf = ({ runId, stepId }: Pick<ClaimFacts, 'runId' | 'stepId'>, disk: string): string =>
  `${word} run=${runId} step=${stepId} disk=${disk}`;

/** The mark that a device bears; null: none. */
export async function readMark(handle: FileHandle): Promise<string | null> {
  const block = Buffer.alloc(markBytes);
  const { bytesRead } = await handle.read(block, 0, markBytes, 0);
  const text = block.subarray(0, bytesRead).toString('latin1');
  const end = text.indexOf('\n');
  return text.startsWith(`${word} `) && end > 0 ? text.slice(0, end) : null;
}

/**
 * Nothing but the mark stands in the beginning then. The first block first: what was on the device is taken for whole from no moment on.
 * Durable when this returns. @param mark null: not even that
 */
export async function writeMark(handle: FileHandle, mark: string | null, capacity: number): Promise<void> {
  const head = Buffer.alloc(headBytes(capacity));
  if (mark !== null) head.write(`${mark}\n`, 'latin1');
  await putBytes(handle, head.subarray(0, markBytes), 0);
  await handle.sync();
  await putBytes(handle, head.subarray(markBytes), markBytes);
  await handle.sync();
}

/** The first block last: until then the mark stands there. Durable when this returns. */
export async function writeHead(handle: FileHandle, head: Buffer): Promise<void> {
  await putBytes(handle, head.subarray(markBytes), markBytes);
  await handle.sync();
  await putBytes(handle, head.subarray(0, markBytes), 0);
  await handle.sync();
}

export async function digestOfHead(handle: FileHandle, capacity: number): Promise<string> {
  const head = Buffer.alloc(headBytes(capacity));
  await handle.read(head, 0, head.length, 0);
  return digestOf(head);
}

export const digestOf = (head: Buffer): string => createHash('sha256').update(head).digest('hex');
