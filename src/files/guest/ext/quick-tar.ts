import { closeSync, constants, openSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import type { Outlet } from '../outlet.ts';
import { DeviceWindow } from './device-window.ts';
import { ExtVolume, flag, NotPlain, type Inode, type Run } from './ext-volume.ts';
import { padding, paxHeaders, type PaxEntry } from './pax.ts';

/** A path of the archive, `./etc/passwd`, and its inode. */
export interface Named {
  readonly name: Buffer;
  readonly number: number;
}

/** What has to come after it by another way. Each path is complete; a folder of `single` is meant without what is in it. */
export interface Left {
  readonly single: readonly Buffer[];
  readonly whole: readonly Buffer[];
}

const kind = { mask: 0o170000, file: 0o100000, folder: 0o040000, link: 0o120000 } as const;
const pieceBytes = 128 * 1024;
const deepest = 200;

/**
 * Writes the entries of an archive, without its end, for whatever is plain: folders, files with one name and without holes, short links,
 * none of them with attributes. The rest is told. Null, and nothing was written: this is no file system that it knows.
 */
export async function quickTar(
  device: string,
  begin: readonly Named[],
  out: Pick<Outlet, 'write'>,
): Promise<Left | null> {
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
    return new ExtVolume(new DeviceWindow(file));
  } catch {
    return null;
  }
}

class Writer {
  readonly #volume: ExtVolume;
  readonly #out: Pick<Outlet, 'write'>;
  readonly #single: Buffer[] = [];
  readonly #whole: Buffer[] = [];
  readonly #folders = new Set<number>();
  #seen = 0;

  constructor(volume: ExtVolume, out: Pick<Outlet, 'write'>) {
    this.#volume = volume;
    this.#out = out;
  }

  async write(begin: readonly Named[]): Promise<Left> {
    for (const named of begin) await this.#one(named, 0);
    return { single: this.#single, whole: this.#whole };
  }

  /** Whether all of it is written. */
  async #one(named: Named, depth: number): Promise<boolean> {
    if (++this.#seen % 512 === 0) await breathe();
    const inode = known(() => this.#volume.inode(named.number));
    if (!inode) return leave(this.#whole, named.name);
    const type = inode.mode & kind.mask;
    if (type === kind.folder) return await this.#folder(named, inode, depth);
    const isPlain = !inode.hasAttributes && inode.links === 1 && (inode.flags & flag.strange) === 0;
    if (isPlain && type === kind.link && inode.size < 60 && inode.size > 0 && inode.allocated === 0) {
      const target = inode.map.subarray(0, inode.size);
      await this.#out.write(paxHeaders({ ...about(named.name, inode), type: '2', size: 0, target }));
      return true;
    }
    const runs = isPlain && type === kind.file ? known(() => this.#runs(inode)) : null;
    if (!runs) return leave(this.#single, named.name);
    await this.#content(named.name, inode, runs);
    return true;
  }

  /** A folder comes after what is in it, because that changes its times; so it comes last where something of it does. */
  async #folder(named: Named, inode: Inode, depth: number): Promise<boolean> {
    const names = depth < deepest && !this.#folders.has(inode.number) ? known(() => this.#volume.namesIn(inode)) : null;
    this.#folders.add(inode.number);
    if (!names) return leave(this.#whole, named.name);
    const name = Buffer.concat([named.name, Buffer.from('/')]);
    let isDone = !inode.hasAttributes;
    // Inodes that are near one another, and what they hold, are read together.
    for (const below of names.toSorted((a, b) => a.number - b.number)) {
      const path = Buffer.concat([name, below.name]);
      isDone = (await this.#one({ name: path, number: below.number }, depth + 1)) && isDone;
    }
    if (!isDone) return leave(this.#single, named.name);
    await this.#out.write(paxHeaders({ ...about(name, inode), type: '5', size: 0 }));
    return true;
  }

  #runs(inode: Inode): Run[] {
    if (inode.size === 0) return [];
    if (inode.allocated < inode.size) throw new NotPlain('a hole');
    return this.#volume.runsOf(inode);
  }

  async #content(name: Buffer, inode: Inode, runs: readonly Run[]): Promise<void> {
    await this.#out.write(paxHeaders({ ...about(name, inode), type: '0', size: inode.size }));
    const { blockSize } = this.#volume;
    let left = inode.size;
    for (const { physical, blocks } of runs)
      for (let at = 0; at < blocks * blockSize && left > 0; at += pieceBytes) {
        const length = Math.min(pieceBytes, blocks * blockSize - at, left);
        await this.#out.write(this.#volume.bytes(physical, at, length));
        left -= length;
      }
    await this.#out.write(padding(inode.size));
  }
}

function leave(list: Buffer[], name: Buffer): false {
  list.push(name);
  return false;
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
