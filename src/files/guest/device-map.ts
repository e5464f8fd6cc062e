import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { run } from './programs.ts';

/** A piece of a device and the disk that it is on. Bytes. */
export interface Piece {
  readonly start: number;
  readonly bytes: number;
  readonly slot: number;
  readonly offset: number;
}

const sector = 512;
const deepest = 8;

/** Where a device lies on the disks, in the order of its bytes. Null where its bytes are not simply there: RAID, encryption, thin volumes. */
export async function piecesOf(path: string): Promise<readonly Piece[] | null> {
  const { rdev } = statSync(path);
  return below(`${(rdev >>> 8) & 0xfff}:${(rdev & 0xff) | ((rdev >>> 12) & 0xfff00)}`, deepest);
}

async function below(numbers: string, depth: number): Promise<readonly Piece[] | null> {
  const folder = realpathSync(join('/sys/dev/block', numbers));
  const name = basename(folder);
  const figure = (what: string): number => Number(readFileSync(join(folder, what), 'utf8')) * sector;
  if (existsSync(join(folder, 'partition'))) return onDisk(basename(dirname(folder)), figure('start'), figure('size'));
  if (!existsSync(join(folder, 'dm'))) return onDisk(name, 0, figure('size'));
  if (depth === 0) return null;
  const { status, out } = await run('dmsetup', ['table', readFileSync(join(folder, 'dm/name'), 'utf8').trim()]);
  return status === 0 ? throughTable(out.toString(), depth - 1) : null;
}

function onDisk(name: string, offset: number, bytes: number): readonly Piece[] | null {
  const letter = /^vd([a-z])$/.exec(name)?.[1];
  return letter === undefined ? null : [{ start: 0, bytes, slot: letter.charCodeAt(0) - 97, offset }];
}

/** Source: dmsetup(8), `table`; the kernel's admin-guide/device-mapper/linear. */
async function throughTable(table: string, depth: number): Promise<readonly Piece[] | null> {
  const pieces: Piece[] = [];
  for (const line of table.trim().split('\n')) {
    const [, start, length, on = '', offset] = /^(\d+) (\d+) linear (\d+:\d+) (\d+)$/.exec(line) ?? [];
    if (start === undefined) return null;
    const device = await below(on, depth);
    const from = Number(offset) * sector;
    const part = device && cut(device, from, Number(length) * sector);
    if (!part) return null;
    for (const piece of part) pieces.push({ ...piece, start: piece.start - from + Number(start) * sector });
  }
  return pieces.toSorted((a, b) => a.start - b.start);
}

/** The pieces of a range, cut to it. Null where there are bytes that no piece has. */
export function cut(pieces: readonly Piece[], from: number, bytes: number): readonly Piece[] | null {
  const found = pieces
    .filter(({ start, bytes: length }) => start < from + bytes && start + length > from)
    .map((piece) => {
      const start = Math.max(piece.start, from);
      const end = Math.min(piece.start + piece.bytes, from + bytes);
      return { start, bytes: end - start, slot: piece.slot, offset: piece.offset + start - piece.start };
    });
  return found.reduce((sum, piece) => sum + piece.bytes, 0) === bytes ? found : null;
}
