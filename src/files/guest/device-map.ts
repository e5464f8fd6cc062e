import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { DiskRange } from '../protocol.ts';
import { slotOf } from './devices.ts';
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
  return below(numbersOf(path), deepest);
}

/** Source: makedev(3). */
function numbersOf(path: string): string {
  const { rdev } = statSync(path);
  return `${(rdev >>> 8) & 0xfff}:${(rdev & 0xff) | ((rdev >>> 12) & 0xfff00)}`;
}

/** What devices lie on, whatever is between: partitions and whole disks, each once. Null: that is not known. */
export function membersOf(paths: readonly string[]): readonly DiskRange[] | null {
  const found = paths.map((path) => bottomOf(realpathSync(join('/sys/dev/block', numbersOf(path))), deepest));
  if (found.includes(null)) return null;
  const ranges = found.flatMap((one) => one ?? []);
  return [...new Map(ranges.map((one) => [one.join(), one])).values()].toSorted(byPlace);
}

const byPlace = ([a, from]: DiskRange, [b, other]: DiskRange): number => a - b || from - other;

/** Source: the kernel's ABI/stable/sysfs-block, `slaves`. */
function bottomOf(folder: string, depth: number): readonly DiskRange[] | null {
  if (depth === 0) return null;
  const figure = (what: string): number => Number(readFileSync(join(folder, what), 'utf8')) * sector;
  const isPart = existsSync(join(folder, 'partition'));
  const slaves = isPart ? [] : readdirSync(join(folder, 'slaves'));
  if (slaves.length === 0) {
    const name = basename(isPart ? dirname(folder) : folder);
    const [piece] = onDisk(name, isPart ? figure('start') : 0, figure('size')) ?? [];
    return piece ? [[piece.slot, piece.offset, piece.bytes]] : null;
  }
  const found = slaves.map((name) => bottomOf(realpathSync(join('/sys/class/block', name)), depth - 1));
  return found.every((one) => one !== null) ? found.flat() : null;
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
  const slot = slotOf(name);
  return slot === null ? null : [{ start: 0, bytes, slot, offset }];
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
