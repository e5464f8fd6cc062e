import { run } from './programs.ts';

/** How one kind of file system is opened in the guest. */
export interface FileSystem {
  /** Modules of the guest's kernel. */
  readonly modules?: readonly string[];
  /** A program that does what `mount` does for others: `PROGRAM -o OPTIONS DEVICE FOLDER`. */
  readonly program?: string;
  /** Debian's package of `program`. */
  readonly package?: string;
  /** What `mount` calls it. Default: as blkid does. */
  readonly name?: string;
  /** Tried in this order. Those after the first leave something out: what, is told. */
  readonly options: readonly { readonly with: string; readonly leavesOut?: string }[];
  /** What its kernel code says when it has replayed the journal. */
  readonly replayed?: RegExp;
  readonly hasJournal: boolean;
  /** What its system had not written down yet when the disk was backed up, and nobody here can; null: nothing. */
  unsettled?(device: string): Promise<string | null>;
  /** Absolute links begin with where it is opened, and mean its root. */
  readonly linksFromRoot?: boolean;
  /**
   * What its extents tell: `disk`, where the bytes of a file are on its device; `holes`, only where there are none. Nothing where it has
   * no list of them.
   */
  readonly extents?: 'disk' | 'holes';
  /** What its kernel code says when it has changed files whose bytes may not be on the device yet. */
  readonly unwritten?: RegExp;
}

export const noJournal = 'what is in the journal only, which can be files that were written last';

const ext: FileSystem = {
  name: 'ext4',
  options: [{ with: 'ro' }, { with: 'ro,noload', leavesOut: noJournal }],
  replayed: /recovery complete|orphan cleanup/,
  hasJournal: true,
  extents: 'disk',
  unwritten: /truncates? cleaned up/,
};

/** Statuses of ntfs-3g.probe, which opens as if to write. Source: ntfs-3g.probe(8). */
const ntfsStates: Readonly<Record<number, string>> = {
  14: 'Windows hibernated: what it had in memory only is missing, which can be files that were written last',
  15: `Windows was not shut down: without ${noJournal}`,
};

export async function ntfsState(device: string): Promise<string | null> {
  const { status } = await run('ntfs-3g.probe', ['--readwrite', device]);
  return ntfsStates[status ?? 0] ?? null;
}

/**
 * By what blkid calls them. Everything is opened read-only; where a journal has to be replayed for that, it is, into a copy that is
 * thrown away.
 */
export const fileSystems: Readonly<Record<string, FileSystem>> = {
  ext2: { ...ext, hasJournal: false },
  ext3: ext,
  ext4: ext,
  xfs: {
    // Copies of one template have one uuid.
    options: [{ with: 'ro,nouuid' }, { with: 'ro,nouuid,norecovery', leavesOut: noJournal }],
    replayed: /Ending recovery/,
    hasJournal: true,
    extents: 'disk',
  },
  btrfs: {
    options: [
      { with: 'ro,subvolid=5' },
      { with: 'ro,subvolid=5,rescue=nologreplay', leavesOut: noJournal },
      { with: 'ro,subvolid=5,rescue=all', leavesOut: `what its damaged trees held, and ${noJournal}` },
    ],
    replayed: /log replay/,
    hasJournal: true,
    extents: 'holes',
  },
  jfs: { options: [{ with: 'ro' }], hasJournal: true },
  reiserfs: { options: [{ with: 'ro' }], hasJournal: true },
  f2fs: {
    modules: ['f2fs'],
    options: [{ with: 'ro' }, { with: 'ro,norecovery', leavesOut: noJournal }],
    hasJournal: false,
  },
  ntfs: {
    modules: ['fuse'],
    program: 'ntfs-3g',
    package: 'ntfs-3g',
    options: [{ with: 'ro,norecover,efs_raw,streams_interface=xattr' }],
    hasJournal: true,
    unsettled: ntfsState,
    linksFromRoot: true,
  },
  exfat: {
    modules: ['fuse'],
    program: 'mount.exfat-fuse',
    package: 'exfat-fuse',
    options: [{ with: 'ro' }],
    hasJournal: false,
  },
  vfat: {
    modules: ['nls_cp437', 'nls_iso8859-1', 'nls_utf8', 'vfat'],
    options: [{ with: 'ro,utf8=1,tz=UTC,codepage=437' }],
    hasJournal: false,
  },
  iso9660: { modules: ['isofs', 'nls_utf8'], options: [{ with: 'ro,utf8' }, { with: 'ro' }], hasJournal: false },
  udf: { modules: ['udf'], options: [{ with: 'ro' }], hasJournal: false },
  hfsplus: { modules: ['hfsplus'], options: [{ with: 'ro' }, { with: 'ro,force' }], hasJournal: false },
  squashfs: { modules: ['squashfs'], options: [{ with: 'ro' }], hasJournal: false },
};

/** What holds volumes and is none itself, or cannot be read, by what blkid calls it. */
export const otherContents: Readonly<
  Record<string, { readonly state: 'swap' | 'part' | 'encrypted' | 'unsupported'; readonly why: string }>
> = {
  swap: { state: 'swap', why: 'swap space' },
  swsuspend: { state: 'swap', why: 'swap space with a system that sleeps' },
  LVM2_member: { state: 'part', why: 'a physical volume of LVM' },
  linux_raid_member: { state: 'part', why: 'a part of a RAID array' },
  crypto_LUKS: { state: 'encrypted', why: 'LUKS: it takes its passphrase' },
  BitLocker: { state: 'encrypted', why: 'BitLocker: Sendense cannot open it' },
  zfs_member: { state: 'unsupported', why: 'a part of a ZFS pool, which Sendense cannot read' },
  VMFS_volume_member: { state: 'unsupported', why: 'VMFS, which Sendense cannot read' },
  ReFS: { state: 'unsupported', why: 'ReFS, which Sendense cannot read' },
  apfs: { state: 'unsupported', why: 'APFS, which Sendense cannot read' },
};
