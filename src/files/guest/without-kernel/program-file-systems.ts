import { closeSync, openSync, readSync } from 'node:fs';
import type { JournalState } from '../../protocol.ts';
import { noJournal, ntfsState } from '../file-systems.ts';
import { run } from '../programs.ts';

/** What was found of a journal. */
export interface Journal {
  readonly state: JournalState;
  readonly notes: readonly string[];
  /** Default: the device itself. */
  readonly device?: string;
}

/** How a program opens one kind of file system: `PROGRAM -o OPTIONS DEVICE FOLDER`. */
export interface ProgramFileSystem {
  readonly program: string;
  /** Debian's. */
  readonly package: string;
  readonly options: string;
  /** Why it is damaged, where the program does not see that. @param bytes of the device */
  damage?(device: string, bytes: number): string | null;
  /**
   * Before it is opened: what is to be opened then, with its journal in order.
   * @param copy makes a copy of the device that can be written to
   */
  journal(device: string, copy: () => Promise<string>): Promise<Journal>;
  /** What is not as it was, beside what cannot be told of any file system. */
  readonly lost: readonly string[];
  /** It is an ext, whose inodes can be looked at. */
  readonly hasInodes?: boolean;
  /** Absolute links begin with where it is opened, and mean its root. */
  readonly linksFromRoot?: boolean;
}

/** Which owners the namespace of the sandbox has, its first program decides. */
const owners =
  process.getuid?.() === 0 ? 'owners above 1999999999 are 65534' : 'owners can be 65534, for you are not root';

const none = async (): Promise<Journal> => ({ state: 'none', notes: [] });

/** Source: the kernel's Documentation/filesystems/ext4, super block. */
const superblock = {
  at: 1024,
  compatible: 92,
  incompatible: 96,
  hasJournal: 4,
  needsRecovery: 4,
  is64Bit: 0x80,
  blocksHigh: 0x150,
} as const;

/** Runs what the guest's journal has into the throw-away overlay. Statuses of e2fsck: 0 and 1 are good. Source: e2fsck(8). */
async function extJournal(device: string, copy: () => Promise<string>): Promise<Journal> {
  const head = superblockOf(device);
  if ((head.readUInt32LE(superblock.compatible) & superblock.hasJournal) === 0) return none();
  if ((head.readUInt32LE(superblock.incompatible) & superblock.needsRecovery) === 0)
    return { state: 'clean', notes: [] };
  const replayed = await copy();
  const { status, said, out } = await run('e2fsck', ['-y', '-E', 'journal_only', replayed]);
  if (status === 0 || status === 1) return { state: 'replayed', notes: [], device: replayed };
  const why =
    status === 127 ? 'e2fsck is missing: apt install e2fsprogs' : (said || out.toString()).split('\n').at(-1)?.trim();
  return { state: 'skipped', notes: [`it was opened without ${noJournal}, because: ${why}`] };
}

function superblockOf(device: string): Buffer {
  const file = openSync(device, 'r');
  try {
    const head = Buffer.alloc(1024);
    readSync(file, head, 0, head.length, superblock.at);
    return head;
  } finally {
    closeSync(file);
  }
}

async function ntfsJournal(device: string): Promise<Journal> {
  const left = await ntfsState(device);
  return left === null ? { state: 'clean', notes: [] } : { state: 'skipped', notes: [left] };
}

/** fuse2fs opens what was cut off. */
function extDamage(device: string, bytes: number): string | null {
  const head = superblockOf(device);
  const is64Bit = (head.readUInt32LE(superblock.incompatible) & superblock.is64Bit) !== 0;
  const blocks = head.readUInt32LE(4) + (is64Bit ? head.readUInt32LE(superblock.blocksHigh) * 2 ** 32 : 0);
  const needed = blocks * 2 ** (10 + head.readUInt32LE(24));
  return needed > bytes ? `it has ${needed} bytes, and its device ${bytes}` : null;
}

const ext: ProgramFileSystem = {
  program: 'fuse2fs',
  package: 'fuse2fs',
  options: 'ro,norecovery,fakeroot',
  journal: extJournal,
  damage: extDamage,
  lost: [
    `in archives, and in folders that are taken out, times can lose their parts of a second, access control lists are missing, and ${owners}`,
  ],
  hasInodes: true,
};

/** By what blkid calls them. */
export const programFileSystems: Readonly<Record<string, ProgramFileSystem>> = {
  ext2: ext,
  ext3: ext,
  ext4: ext,
  ntfs: {
    program: 'ntfs-3g',
    package: 'ntfs-3g',
    options: 'ro,norecover,efs_raw,streams_interface=xattr',
    journal: ntfsJournal,
    lost: [],
    linksFromRoot: true,
  },
};
