import { mostExtents, type Extent } from '../protocol.ts';
import { damageNamed } from './damage.ts';
import { cut, type Piece } from './device-map.ts';
import { GuestError } from './guest-error.ts';
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
 * @throws GuestError `damaged` where the file system cannot say where the rest lies
 */
export async function extentsOf(
  file: number,
  from: number,
  end: number,
  pieces: readonly Piece[] | null,
): Promise<readonly Extent[] | null> {
  const list = await wholeList(file, end).catch((error: unknown) => {
    // What is damaged may lie elsewhere: whoever reads the bytes is told.
    if (end - from > readAnyway) throw error;
    return null;
  });
  if (list === null) return null;
  const extents: Extent[] = [];
  for (const one of list.told) {
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
 * Whether the file system can tell what of an open file is hole and what is not. One that is damaged cannot, and a program that looks for
 * holes then reads all of the file.
 */
export async function tellsHoles(file: number, size: number): Promise<boolean> {
  try {
    return (await wholeList(file, size)) !== null;
  } catch {
    return false;
  }
}

/** So many bytes, holes too, are read in a moment. */
export const readAnyway = 2 ** 30;

/** @throws GuestError `damaged` */
async function wholeList(file: number, end: number): Promise<ToldList | null> {
  for (let left = tries; ; left--) {
    const list = await listOf(file);
    if (list === null) return null;
    try {
      return (await isWhole(file, list, end)) ? list : null;
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}

/** A block that lies behind the end of the disk is an error when it is read first, and zeros afterwards. */
const tries = 1;

async function listOf(file: number): Promise<ToldList | null> {
  const { status, out } = await run('filefrag', ['-v', '-b1', nameOf(file)]);
  return status === 0 ? parseFilefrag(out.toString()) : null;
}

const nameOf = (file: number): string => `/proc/${process.pid}/fd/${file}`;

/**
 * A list that ends before the file may be one that was cut off at a damaged place: kernels answer FIEMAP so as if it were all
 * (`iomap_fiemap`, Linux 6.1). Then the next content is looked for behind it.
 * @throws GuestError `damaged`
 */
async function isWhole(file: number, { reached }: ToldList, end: number): Promise<boolean> {
  if (reached >= end) return true;
  const { status, out } = await run('perl', ['-e', nextContent, nameOf(file), String(reached)]);
  const [, errno] = /^errno (\d+)$/.exec(out.toString()) ?? [];
  // No perl, or content behind the list: the guest reads all of it.
  if (status !== 0 || errno === undefined) return false;
  if (Number(errno) === noMore) return true;
  const name = damageNamed(Number(errno));
  if (name === undefined) return false;
  throw new GuestError('damaged', `its file system is damaged: ${name} behind byte ${reached}, at lseek`);
}

/** Node has no lseek. 3: SEEK_DATA, which ends with ENXIO where only a hole is left. Source: lseek(2), perlfunc(1). */
const nextContent =
  'open my $f, "<", $ARGV[0] or exit 3; print defined(sysseek $f, $ARGV[1], 3) ? "more" : "errno ".($!+0)';
const noMore = 6;

/** What a file system tells of a file. */
interface ToldList {
  readonly told: readonly Told[];
  /** Its last piece ends here. */
  readonly reached: number;
}

/**
 * Pieces with content, in the order of the file. Null: it is no such list, or one that was cut off. What was reserved and never
 * written is zeros, like a hole. Source: filefrag(8), and its source for the form of `-v`.
 */
export function parseFilefrag(text: string): ToldList | null {
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
  return { told, reached };
}
