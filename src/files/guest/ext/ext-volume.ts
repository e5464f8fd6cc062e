import { crc32c, crc32cOfNumber } from './crc32c.ts';
import type { DeviceWindow } from './device-window.ts';

/** An inode, as far as an archive needs it. */
export interface Inode {
  readonly number: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Bytes on the device. */
  readonly allocated: number;
  readonly links: number;
  readonly flags: number;
  readonly mtime: { readonly seconds: number; readonly nanoseconds: number };
  readonly hasAttributes: boolean;
  /** Its map of blocks, or the target of a short link. */
  readonly map: Buffer;
  /** What checksums of its blocks begin with. */
  readonly seed: number;
}

export interface Run {
  readonly block: number;
  readonly blocks: number;
  readonly physical: number;
}

/** Something that this reader does not know, or that is damaged: the kernel's own code says what it is. */
export class NotPlain extends Error {}

// Source: the kernel's Documentation/filesystems/ext4, for all offsets and flags here.
const known = {
  magic: 0xef53,
  // filetype, extents, 64bit, mmp, flex_bg, csum_seed, largedir
  incompatible: 0x2 | 0x40 | 0x80 | 0x100 | 0x200 | 0x2000 | 0x4000,
  needed: 0x2 | 0x40,
  // sparse_super, large_file, btree_dir, huge_file, gdt_csum, dir_nlink, extra_isize, quota, metadata_csum, project
  readOnly: 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x20 | 0x40 | 0x100 | 0x400 | 0x2000,
  is64Bit: 0x80,
  hasSeed: 0x2000,
  hasHugeFiles: 0x8,
  hasChecksums: 0x400,
} as const;

/** Flags of an inode. */
export const flag = {
  hugeFile: 0x40000,
  extents: 0x80000,
  strange: 0x4 | 0x800 | 0x100000 | 0x200000 | 0x10000000,
} as const;

const attributesMagic = 0xea020000;
const extentMagic = 0xf30a;

/** Reads an ext4 that the kernel has open, in large pieces: one system call for many files. */
export class ExtVolume {
  readonly #device: DeviceWindow;
  readonly #folders: DeviceWindow;
  readonly #inodeSize: number;
  readonly #perGroup: number;
  readonly #inodes: number;
  readonly #descriptors: number;
  readonly #descriptorSize: number;
  readonly #readOnlyFeatures: number;
  readonly #seed: number;
  readonly blockSize: number;

  /**
   * @param folders for the names: those of one folder lie between what its files hold
   * @throws NotPlain where it has features that this reader does not know
   */
  constructor(device: DeviceWindow, folders = device) {
    const head = device.read(1024, 1024);
    const incompatible = head.readUInt32LE(96);
    this.#readOnlyFeatures = head.readUInt32LE(100);
    const isKnown =
      head.readUInt16LE(56) === known.magic &&
      head.readUInt32LE(76) === 1 &&
      head.readUInt32LE(72) === 0 &&
      (incompatible & ~known.incompatible) === 0 &&
      (incompatible & known.needed) === known.needed &&
      (this.#readOnlyFeatures & ~known.readOnly) === 0 &&
      head.readUInt32LE(24) <= 2;
    if (!isKnown) throw new NotPlain('features');
    this.#device = device;
    this.#folders = folders;
    this.blockSize = 1024 << head.readUInt32LE(24);
    this.#inodes = head.readUInt32LE(0);
    this.#perGroup = head.readUInt32LE(40);
    this.#inodeSize = head.readUInt16LE(88);
    this.#descriptorSize = incompatible & known.is64Bit ? head.readUInt16LE(254) : 32;
    this.#descriptors = (head.readUInt32LE(20) + 1) * this.blockSize;
    this.#seed = incompatible & known.hasSeed ? head.readUInt32LE(0x270) : crc32c(0xffffffff, head, 104, 120);
    if (this.#inodeSize < 128 || this.#perGroup === 0) throw new NotPlain('features');
  }

  get #hasChecksums(): boolean {
    return (this.#readOnlyFeatures & known.hasChecksums) !== 0;
  }

  inode(number: number): Inode {
    if (number < 1 || number > this.#inodes) throw new NotPlain('number of an inode');
    const group = Math.floor((number - 1) / this.#perGroup);
    const descriptor = this.#device.read(this.#descriptors + group * this.#descriptorSize, this.#descriptorSize);
    const high = this.#descriptorSize >= 64 ? descriptor.readUInt32LE(40) : 0;
    const place = (descriptor.readUInt32LE(8) + high * 2 ** 32) * this.blockSize;
    const raw = this.#device.read(place + ((number - 1) % this.#perGroup) * this.#inodeSize, this.#inodeSize);
    const extra = this.#inodeSize > 128 ? raw.readUInt16LE(128) : 0;
    if (extra > this.#inodeSize - 128) throw new NotPlain('inode');
    const seed = crc32c(crc32cOfNumber(this.#seed, number), raw, 100, 104);
    if (this.#hasChecksums) assertChecksum(raw, extra, seed);
    const flags = raw.readUInt32LE(32);
    const blocks =
      raw.readUInt32LE(28) + (this.#readOnlyFeatures & known.hasHugeFiles ? raw.readUInt16LE(116) * 2 ** 32 : 0);
    const own = 128 + extra;
    const hasOwn =
      extra > 0 &&
      own + 8 <= raw.length &&
      raw.readUInt32LE(own) === attributesMagic &&
      raw.readUInt32LE(own + 4) !== 0;
    return {
      number,
      mode: raw.readUInt16LE(0),
      uid: raw.readUInt16LE(2) + raw.readUInt16LE(120) * 65536,
      gid: raw.readUInt16LE(24) + raw.readUInt16LE(122) * 65536,
      size: raw.readUInt32LE(4) + raw.readUInt32LE(108) * 2 ** 32,
      allocated: blocks * (flags & flag.hugeFile ? this.blockSize : 512),
      links: raw.readUInt16LE(26),
      flags,
      mtime: timeOf(raw.readInt32LE(16), extra >= 12 ? raw.readUInt32LE(136) : 0),
      hasAttributes: hasOwn || raw.readUInt32LE(104) !== 0 || raw.readUInt16LE(118) !== 0,
      map: Buffer.from(raw.subarray(40, 100)),
      seed,
    };
  }

  /** Where its content is, in its order. @throws NotPlain where not all of it lies plainly there */
  runsOf(inode: Inode): Run[] {
    if (!(inode.flags & flag.extents)) throw new NotPlain('no extents');
    const runs = this.#runs(inode.map, inode, 5);
    let reached = 0;
    for (const { block, blocks } of runs) {
      if (block !== reached) throw new NotPlain('a hole');
      reached += blocks;
    }
    if (reached * this.blockSize < inode.size) throw new NotPlain('a hole');
    return runs;
  }

  #runs(node: Buffer, inode: Inode, depth: number): Run[] {
    const entries = node.readUInt16LE(2);
    if (node.readUInt16LE(0) !== extentMagic || 12 + entries * 12 > node.length || depth === 0)
      throw new NotPlain('extents');
    const isLeaf = node.readUInt16LE(6) === 0;
    return Array.from({ length: entries }, (_zero, index) => 12 + index * 12).flatMap((at) => {
      if (isLeaf) return [runAt(node, at)];
      const place = node.readUInt32LE(at + 4) + node.readUInt16LE(at + 8) * 2 ** 32;
      const below = Buffer.from(this.#device.read(place * this.blockSize, this.blockSize));
      this.#assertExtentBlock(below, inode);
      return this.#runs(below, inode, depth - 1);
    });
  }

  #assertExtentBlock(node: Buffer, inode: Inode): void {
    const tail = 12 + node.readUInt16LE(4) * 12;
    if (tail + 4 > node.length) throw new NotPlain('extents');
    if (this.#hasChecksums && node.readUInt32LE(tail) !== crc32c(inode.seed, node, 0, tail))
      throw new NotPlain('checksum');
  }

  bytes(block: number, offset: number, length: number): Buffer {
    return this.#device.read(block * this.blockSize + offset, length);
  }

  /** Names in a folder, with their inodes; without `.` and `..`. */
  namesIn(folder: Inode): { readonly name: Buffer; readonly number: number }[] {
    if (folder.flags & flag.strange) throw new NotPlain('folder');
    const names: { name: Buffer; number: number }[] = [];
    for (const { physical, blocks } of this.runsOf(folder))
      for (let block = 0; block < blocks; block++) {
        const raw = this.#folders.read((physical + block) * this.blockSize, this.blockSize);
        if (this.#hasChecksums) assertFolderBlock(raw, folder.seed);
        for (const one of namesOf(raw)) names.push(one);
      }
    // Damage, which is to be told.
    if (new Set(names.map(({ name }) => name.toString('latin1'))).size < names.length) throw new NotPlain('names');
    return names;
  }
}

function timeOf(low: number, extra: number): Inode['mtime'] {
  return { seconds: low + (extra & 3) * 2 ** 32, nanoseconds: extra >>> 2 };
}

function assertChecksum(raw: Buffer, extra: number, seed: number): void {
  const hasHigh = extra >= 4;
  let sum = crc32c(seed, raw, 0, 124);
  sum = crc32c(sum, nothing, 0, 2);
  sum = crc32c(sum, raw, 126, hasHigh ? 130 : raw.length);
  if (hasHigh) {
    sum = crc32c(sum, nothing, 0, 2);
    sum = crc32c(sum, raw, 132, raw.length);
  }
  const told = raw.readUInt16LE(124) + (hasHigh ? raw.readUInt16LE(130) * 65536 : 0);
  if (told !== (hasHigh ? sum : sum & 0xffff)) throw new NotPlain('checksum');
}

const nothing = Buffer.alloc(4);

function runAt(node: Buffer, at: number): Run {
  const blocks = node.readUInt16LE(at + 4);
  // More: reserved and never written.
  if (blocks > 32768 || blocks === 0) throw new NotPlain('reserved');
  return {
    block: node.readUInt32LE(at),
    blocks,
    physical: node.readUInt32LE(at + 8) + node.readUInt16LE(at + 6) * 2 ** 32,
  };
}

/**
 * The end of a block of names is a name of 12 bytes that is none, with the checksum. Where the last name reaches over it, it is a block
 * of an index, whose checksum is another one; it has no names but `.` and `..`.
 */
function assertFolderBlock(raw: Buffer, seed: number): void {
  const isRoot = raw.readUInt16LE(4) === 12 && raw.readUInt16LE(16) === raw.length - 12;
  if (isRoot || raw.readUInt16LE(4) === raw.length) return;
  const tail = raw.length - 12;
  const hasTail =
    raw.readUInt32LE(tail) === 0 && raw.readUInt16LE(tail + 4) === 12 && raw.readUInt16LE(tail + 6) === 0xde00;
  if (!hasTail || raw.readUInt32LE(tail + 8) !== crc32c(seed, raw, 0, tail)) throw new NotPlain('checksum');
}

function* namesOf(raw: Buffer): Generator<{ name: Buffer; number: number }> {
  for (let at = 0; at + 8 <= raw.length;) {
    const number = raw.readUInt32LE(at);
    const record = raw.readUInt16LE(at + 4);
    const length = raw[at + 6] ?? 0;
    if (record < 8 || record % 4 !== 0 || at + record > raw.length || length + 8 > record) throw new NotPlain('names');
    const name = Buffer.from(raw.subarray(at + 8, at + 8 + length));
    at += record;
    if (number === 0 || name.equals(here) || name.equals(above)) continue;
    if (length === 0 || name.includes(0) || name.includes(0x2f)) throw new NotPlain('names');
    yield { name, number };
  }
}

const here = Buffer.from('.');
const above = Buffer.from('..');
