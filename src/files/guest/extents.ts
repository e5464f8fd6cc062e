import { mostExtents, type Extent } from '../protocol.ts';
import { cut, type Piece } from './device-map.ts';
import { run } from './programs.ts';

/** A piece of a file as its file system tells it. `physical` is a place on its device; null: that says nothing of where the bytes are. */
interface Told {
  readonly at: number;
  readonly length: number;
  readonly physical: number | null;
}

/** What a piece can be and still be bytes at a place. */
const plain = new Set(['last', 'eof', 'shared', 'merged']);

/**
 * Where the content of an open file lies. Null where the file system does not say it, or in too many pieces.
 * @param pieces where the device of the file system lies on the disks; null: the guest reads whatever is no hole
 */
export async function extentsOf(
  file: number,
  from: number,
  end: number,
  pieces: readonly Piece[] | null,
): Promise<readonly Extent[] | null> {
  const { status, out } = await run('filefrag', ['-v', '-b1', `/proc/${process.pid}/fd/${file}`]);
  const told = status === 0 ? parseFilefrag(out.toString()) : null;
  if (told === null) return null;
  const extents: Extent[] = [];
  for (const one of told) {
    const at = Math.max(one.at, from);
    const length = Math.min(one.at + one.length, end) - at;
    if (length <= 0) continue;
    const lying = pieces && one.physical !== null && cut(pieces, one.physical + at - one.at, length);
    if (lying)
      for (const { start, bytes, slot, offset } of lying)
        extents.push([at + start - (one.physical ?? 0) - (at - one.at), bytes, slot, offset]);
    else extents.push([at, length, null, 0]);
  }
  return extents.length > mostExtents ? null : extents;
}

/**
 * Pieces with content, in the order of the file. Null: it is no such list, or one that was cut off. What was reserved and never
 * written is zeros, like a hole. Source: filefrag(8), and its source for the form of `-v`.
 */
export function parseFilefrag(text: string): readonly Told[] | null {
  const lines = text.split('\n');
  const last = lines.findLast((line) => line !== '');
  if (last === undefined || !/: \d+ extents? found$/.test(last)) return null;
  const told: Told[] = [];
  let reached = 0;
  for (const line of lines) {
    const found = /^\s*\d+:\s*(\d+)\.\.\s*(\d+):\s*(\d+)\.\.\s*\d+:\s*(\d+):(?:\s+\d+:)?\s*(\S*)$/.exec(line);
    if (!found) continue;
    const [at = 0, , physical = 0, length = 0] = found.slice(1, 5).map(Number);
    if (at < reached || ![at, physical, length].every(Number.isSafeInteger)) return null;
    reached = at + length;
    const flags = (found[5] ?? '').split(',').filter(Boolean);
    if (flags.includes('unwritten') && !flags.includes('unknown_loc') && !flags.includes('delalloc')) continue;
    const isPlain = flags.every((flag) => plain.has(flag));
    told.push({ at, length, physical: isPlain ? physical : null });
  }
  return told;
}
