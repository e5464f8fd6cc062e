import { closeSync, constants, openSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import { longestEntryPath, type PartsWriter } from '../../archive/parts.ts';
import { padding, paxHeaders, type PaxEntry } from '../../archive/pax.ts';
import { mostExtents, type Extent } from '../../protocol.ts';
import { cut, type Piece } from '../device-map.ts';
import { longestName } from '../gnu-tar.ts';
import { pathAlong, trailTo, type Trail } from '../trail.ts';
import { Unreadable } from '../unreadable.ts';
import { DeviceWindow } from './device-window.ts';
import { ExtVolume, flag, NotPlain, type Inode, type Run } from './ext-volume.ts';

/** A path of the archive, `./etc/passwd`, and its inode. */
export interface Named {
  readonly name: Buffer;
  readonly number: number;
}

/** What has to come after it by another way. Each path is complete; a folder of `single` is meant without what is in it. */
export interface Left {
  readonly single: readonly Buffer[];
  readonly whole: readonly Buffer[];
  /** What no way can take, a line each. */
  readonly said: readonly string[];
}

const noPlain = `its path has more than ${longestName} bytes, and it is no plain file; take its folder out by itself`;

const kind = { mask: 0o170000, file: 0o100000, folder: 0o040000, link: 0o120000 } as const;
const pieceBytes = 128 * 1024;
const folderBytes = 32 * 1024;

/** Where the entries go, and whether their content has to go there, too. */
export interface QuickOutput {
  readonly parts: Pick<PartsWriter, 'entry' | 'bytes'>;
  /** Where the device lies on the disks: content is read from there. Null: only the guest can read it. */
  readonly pieces: readonly Piece[] | null;
}

/**
 * Writes the entries of an archive, without its end, for whatever is plain: folders, files with one name and without holes, short links,
 * none of them with attributes. The rest is told. Null, and nothing was written: this is no file system that it knows.
 */
export async function quickTar(device: string, begin: readonly Named[], out: QuickOutput): Promise<Left | null> {
  const file = openSync(device, constants.O_RDONLY);
  try {
    const volume = openVolume(file);
    return volume && (await new Writer(volume, out).write(begin));
  } finally {
    closeSync(file);
  }
}

function openVolume(file: number): ExtVolume | null {
  try {
    return new ExtVolume(new DeviceWindow(file), new DeviceWindow(file, folderBytes));
  } catch {
    return null;
  }
}

class Writer {
  readonly #volume: ExtVolume;
  readonly #out: QuickOutput['parts'];
  readonly #pieces: QuickOutput['pieces'];
  readonly #single: Buffer[] = [];
  readonly #whole: Buffer[] = [];
  readonly #said = new Unreadable();
  readonly #folders = new Set<number>();
  #seen = 0;

  constructor(volume: ExtVolume, { parts, pieces }: QuickOutput) {
    this.#volume = volume;
    this.#out = parts;
    this.#pieces = pieces;
  }

  async write(begin: readonly Named[]): Promise<Left> {
    for (const { name, number } of begin) await this.#one(trailTo(null, name), number);
    return { single: this.#single, whole: this.#whole, said: this.#said.lines };
  }

  /** Whether nothing of it comes later. */
  async #one(trail: Trail, number: number): Promise<boolean> {
    // However deep it is, the stack begins anew here.
    if (++this.#seen % 512 === 0) await breathe();
    const inode = known(() => this.#volume.inode(number));
    if (!inode) return this.#leave(this.#whole, trail);
    const type = inode.mode & kind.mask;
    if (type === kind.folder) return await this.#folder(trail, inode);
    const isPlain = !inode.hasAttributes && inode.links === 1 && (inode.flags & flag.strange) === 0;
    if (isPlain && type === kind.link && inode.size < 60 && inode.size > 0 && inode.allocated === 0) {
      const target = inode.map.subarray(0, inode.size);
      await this.#out.entry({ ...about(pathAlong(trail), inode), type: '2', size: 0, target, content: [] });
      return true;
    }
    const runs = isPlain && type === kind.file ? known(() => this.#runs(inode)) : null;
    if (!runs) return this.#leave(this.#single, trail);
    await this.#content(pathAlong(trail), inode, runs);
    return true;
  }

  /** A folder comes after what is in it, because that changes its times; so it comes last where something of it does. */
  async #folder(trail: Trail, inode: Inode): Promise<boolean> {
    const names = this.#folders.has(inode.number) ? null : known(() => this.#volume.namesIn(inode));
    this.#folders.add(inode.number);
    if (!names) return this.#leave(this.#whole, trail);
    let isDone = !inode.hasAttributes;
    // Inodes that are near one another, and what they hold, are read together.
    for (const { name, number } of names.toSorted((a, b) => a.number - b.number))
      isDone = (await this.#one(trailTo(trail, name), number)) && isDone;
    if (!isDone && !this.#leave(this.#single, trail)) return false;
    // A folder's name ends with a slash.
    const path = pathAlong(trailTo(trail, Buffer.alloc(0)));
    await this.#out.entry({ ...about(path, inode), type: '5', size: 0, content: [] });
    return true;
  }

  /** For `tar`; false: it comes later. */
  #leave(list: Buffer[], trail: Trail): boolean {
    if (trail.bytes > longestName) {
      this.#said.add(() => pathAlong(trail), noPlain);
      return true;
    }
    list.push(pathAlong(trail));
    return false;
  }

  #runs(inode: Inode): Run[] {
    if (inode.size === 0) return [];
    if (inode.allocated < inode.size) throw new NotPlain('a hole');
    return this.#volume.runsOf(inode);
  }

  async #content(name: Buffer, inode: Inode, runs: readonly Run[]): Promise<void> {
    const entry = { ...about(name, inode), type: '0', size: inode.size } as const;
    const content = name.length > longestEntryPath ? null : this.#extents(inode, runs);
    if (content) return await this.#out.entry({ ...entry, content });
    await this.#out.bytes(paxHeaders(entry));
    const { blockSize } = this.#volume;
    let left = inode.size;
    for (const { physical, blocks } of runs)
      for (let at = 0; at < blocks * blockSize && left > 0; at += pieceBytes) {
        const length = Math.min(pieceBytes, blocks * blockSize - at, left);
        await this.#out.bytes(this.#volume.bytes(physical, at, length));
        left -= length;
      }
    await this.#out.bytes(padding(inode.size));
  }

  /** Where the content lies on the disks. Null: it has to be handed over. */
  #extents(inode: Inode, runs: readonly Run[]): Extent[] | null {
    if (this.#pieces === null || runs.length > mostExtents) return null;
    const { blockSize } = this.#volume;
    const extents: Extent[] = [];
    for (const { block, blocks, physical } of runs) {
      const at = block * blockSize;
      const length = Math.min(blocks * blockSize, inode.size - at);
      if (length <= 0) break;
      const from = physical * blockSize;
      const lying = cut(this.#pieces, from, length);
      if (!lying) return null;
      for (const { start, bytes, slot, offset } of lying) extents.push([at + start - from, bytes, slot, offset]);
    }
    return extents;
  }
}

function about(
  name: Buffer,
  { mode, uid, gid, mtime }: Inode,
): Pick<PaxEntry, 'name' | 'mode' | 'uid' | 'gid' | 'mtime'> {
  return { name, mode, uid, gid, mtime };
}

/** Null for what is not plain, or damaged. */
function known<T>(act: () => T): T | null {
  try {
    return act();
  } catch (error) {
    if (error instanceof NotPlain || error instanceof RangeError) return null;
    throw error;
  }
}
