import type { NbdTarget } from '../host/nbd/nbd-target.ts';
import { blockSize, digestBytes } from './block-index-format.ts';
import type { WriteRule } from './digest-messages.ts';

export interface BlocksToWrite {
  /** Where on the disk the data starts, bytes: at a block boundary. */
  readonly offset: number;
  readonly data: Uint8Array;
  /** Of the blocks of the data; more may follow. */
  readonly digests: Uint8Array;
  readonly rule: WriteRule;
  /** With `changed`: the digests that they had; none: zeros. */
  readonly expected?: Uint8Array | undefined;
}

/** Bytes. */
export interface BlocksWritten {
  readonly data: number;
  readonly zeros: number;
}

type Action = 'skip' | 'write' | 'zero';

/** Writes what the rule says of some blocks, neighbours in one request. Zeros are told, not sent. */
export async function writeBlocks(target: NbdTarget, blocks: BlocksToWrite): Promise<BlocksWritten> {
  const { offset, data } = blocks;
  const requests: Promise<void>[] = [];
  const written = { skip: 0, write: 0, zero: 0 };
  for (let start = 0, action = actionAt(blocks, 0); start < data.length;) {
    let end = start;
    let next = action;
    while (end < data.length && next === action) {
      end += blockSize;
      if (end < data.length) next = actionAt(blocks, end);
    }
    end = Math.min(end, data.length);
    if (action === 'write') requests.push(target.write(offset + start, data.subarray(start, end)));
    if (action === 'zero') requests.push(target.writeZeroes(offset + start, end - start));
    written[action] += end - start;
    [start, action] = [end, next];
  }
  await Promise.all(requests);
  return { data: written.write, zeros: written.zero };
}

function actionAt({ digests, rule, expected }: BlocksToWrite, start: number): Action {
  const at = (start / blockSize) * digestBytes;
  const zero = isZeroDigest(digests, at);
  if (rule === 'data') return zero ? 'skip' : 'write';
  if (rule === 'changed' && (expected ? isEqualDigest(digests, expected, at) : zero)) return 'skip';
  return zero ? 'zero' : 'write';
}

export function isZeroDigest(digests: Uint8Array, at: number): boolean {
  for (let byte = at; byte < at + digestBytes; byte++) if (digests[byte] !== 0) return false;
  return true;
}

function isEqualDigest(digests: Uint8Array, expected: Uint8Array, at: number): boolean {
  for (let byte = at; byte < at + digestBytes; byte++) if (digests[byte] !== expected[byte]) return false;
  return true;
}
