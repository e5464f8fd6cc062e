import type { DiskRange, Entry, PluggedDisk, Volume } from '../protocol.ts';
import type { Piece } from './device-map.ts';
import type { Device } from './devices.ts';
import type { Made } from './layers.ts';

/** Where the content of a volume's files is. */
export interface Layout {
  /** Null: only the guest can read it. */
  readonly pieces: readonly Piece[] | null;
}

/** How an archive of a volume can be made. */
export interface ArchiveMeans {
  /** The device of an ext4 whose blocks are all on it: what is there is what files have. Null: there is none. */
  readonly device: string | null;
  /** Whether its mount says where holes are. */
  readonly knowsHoles: boolean;
}

/** Of files, by their inodes. What it cannot tell it throws at. */
export interface Details {
  complete(entry: Entry): Entry;
  /** Extended attributes. */
  attributes(inode: string): ReadonlyMap<string, Buffer>;
}

/** A volume after the attempt to open it. */
export interface Opened {
  readonly volume: Volume;
  /** Where it is mounted; null: it cannot be read, and the volume says why. */
  readonly root: string | null;
  readonly archive: ArchiveMeans;
  /** What its mount does not tell of files; null: it tells all. */
  readonly details: Details | null;
  /** Null: its file system has no list of extents. */
  layout(): Promise<Layout | null>;
}

/** What makes volumes of disks and opens them. */
export interface Platform {
  /** Before the first request. */
  begin(): Promise<void>;
  /** While nobody waits: what would take time when somebody does. */
  warmUp(isIdle: () => boolean): Promise<void>;
  devicesOf(disks: readonly PluggedDisk[]): Promise<Device[]>;
  /** What it can do with a content that blkid calls so; null: it does not know it. */
  stateOf(type: string): Pick<Volume, 'state' | 'why'> | null;
  /** What makes devices of all devices of a type. */
  readonly layers: readonly { readonly type: string; make(paths: readonly string[]): Promise<Made> }[];
  /** Where devices lie on the disks; null: nobody can tell. */
  readonly places: {
    piecesOf(path: string): Promise<readonly Piece[] | null>;
    /** Parts of disks that these devices are made of, metadata and all. */
    membersOf(paths: readonly string[]): readonly DiskRange[] | null;
  } | null;
  /** @throws GuestError `locked` where the passphrase is another one; `type` where it cannot open any */
  openLuks(device: Device, passphrase: string): Promise<Device>;
  /** @param number of the volume, for names */
  open(volume: Volume, device: Device, number: string): Promise<Opened>;
}
