import { closeSync, openSync } from 'node:fs';
import type { Entry } from '../../protocol.ts';
import type { Details } from '../platform.ts';
import { attributesIn } from './attributes-in.ts';
import { DeviceWindow } from './device-window.ts';

// Source: the kernel's Documentation/filesystems/ext4, for all offsets and features here.
const magic = 0xef53;
const feature = { is64Bit: 0x80, hasMetaGroups: 0x10 } as const;

/**
 * What fuse2fs does not tell of a file, from its inode: owners that the sandbox's namespace does not have, nanoseconds, access control
 * lists and attributes that the system keeps from programs. Works for ext2, ext3 and ext4.
 */
export class InodeDetails implements Details, Disposable {
  readonly #file: number;
  readonly #device: DeviceWindow;
  readonly #blockSize: number;
  readonly #inodeSize: number;
  readonly #inodes: number;
  readonly #perGroup: number;
  readonly #descriptors: number;
  readonly #descriptorSize: number;

  /** @throws where it is no such file system, or one whose inodes are elsewhere */
  constructor(device: string) {
    this.#file = openSync(device, 'r');
    this.#device = new DeviceWindow(this.#file);
    const head = this.#device.read(1024, 1024);
    const incompatible = head.readUInt32LE(96);
    const shift = head.readUInt32LE(24);
    if (head.readUInt16LE(56) !== magic || shift > 6 || incompatible & feature.hasMetaGroups) throw new Error('other');
    this.#blockSize = 1024 << shift;
    this.#inodes = head.readUInt32LE(0);
    this.#perGroup = head.readUInt32LE(40);
    this.#inodeSize = head.readUInt32LE(76) === 0 ? 128 : head.readUInt16LE(88);
    this.#descriptorSize = incompatible & feature.is64Bit ? head.readUInt16LE(254) : 32;
    this.#descriptors = (head.readUInt32LE(20) + 1) * this.#blockSize;
    if (this.#perGroup === 0 || this.#inodeSize < 128 || this.#descriptorSize < 32) throw new Error('other');
  }

  complete(entry: Entry): Entry {
    const raw = this.#inode(Number(entry.inode));
    const extra = this.#inodeSize > 128 ? raw.readUInt16LE(128) : 0;
    const time = (at: number, extraAt: number): string =>
      timeOf(raw.readInt32LE(at), extra >= extraAt - 124 ? raw.readUInt32LE(extraAt) : 0);
    return {
      ...entry,
      uid: raw.readUInt16LE(2) + raw.readUInt16LE(120) * 65536,
      gid: raw.readUInt16LE(24) + raw.readUInt16LE(122) * 65536,
      atime: time(8, 140),
      ctime: time(12, 132),
      mtime: time(16, 136),
    };
  }

  attributes(inode: string): Map<string, Buffer> {
    const raw = this.#inode(Number(inode));
    const found = new Map<string, Buffer>();
    const extra = this.#inodeSize > 128 ? raw.readUInt16LE(128) : 0;
    const block = raw.readUInt32LE(104) + raw.readUInt16LE(118) * 2 ** 32;
    if (extra > 0 && 128 + extra + 4 <= raw.length) attributesIn(raw.subarray(128 + extra), 'inode', found);
    if (block > 0)
      attributesIn(Buffer.from(this.#device.read(block * this.#blockSize, this.#blockSize)), 'block', found);
    return found;
  }

  #inode(number: number): Buffer {
    if (number < 1 || number > this.#inodes) throw new RangeError('number of an inode');
    const group = Math.floor((number - 1) / this.#perGroup);
    const descriptor = this.#device.read(this.#descriptors + group * this.#descriptorSize, this.#descriptorSize);
    const high = this.#descriptorSize >= 64 ? descriptor.readUInt32LE(40) : 0;
    const place = (descriptor.readUInt32LE(8) + high * 2 ** 32) * this.#blockSize;
    const raw = this.#device.read(place + ((number - 1) % this.#perGroup) * this.#inodeSize, this.#inodeSize);
    return Buffer.from(raw);
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

/** @param extra two bits that go before the seconds, and nanoseconds */
function timeOf(low: number, extra: number): string {
  return String((BigInt(low) + (BigInt(extra & 3) << 32n)) * 1_000_000_000n + BigInt(extra >>> 2));
}
