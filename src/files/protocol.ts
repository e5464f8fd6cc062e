/**
 * What hub and guest say to each other: JSON lines over a serial line of the guest, and bytes in files of a folder that both see. All that
 * comes from the guest is from outside: whoever wrote the disk may have taken the guest over.
 */

/** How many disks a reader that waits for its restore point has room for; with more it is started for that restore point. */
export const slots = 8;

/** Largest file that the guest hands over, bytes. */
export const chunkBytes = 1024 * 1024;

/** So many are handed over before the guest waits for the hub. */
export const chunkWindow = 3;

/** Up to so many bytes come in the answer itself. */
export const inlineBytes = 16 * 1024;

/** Longest path that can be asked for and that is told, bytes. Windows has no longer ones, and few programs of Linux. */
export const longestPath = 32 * 1024;

/** A piece of a file that has fewer bytes is read by the guest: that is quicker than to ask where they lie. */
export const leastPlaced = 4 * 1024 * 1024;

/** Of folders and files that cannot be read, so many are told in one answer. */
export const mostUnreadable = 100;

/** What is wrong with a name that a folder has twice, for messages. */
export const doubledWhy =
  'its folder has this name twice, so the file system is damaged, and one of the two cannot be reached';

/** Longest line of the guest, bytes. */
export const lineBytes = 256 * 1024;

/** Path in a volume: the bytes of its name in base64, without a slash at the beginning. Empty: the volume's root. */
export type PathBytes = string;

export interface PluggedDisk {
  /** Of the VM. */
  readonly number: number;
  readonly bytes: number;
}

export type EntryType = 'file' | 'folder' | 'link' | 'fifo' | 'socket' | 'char' | 'block' | 'unknown';

/** One name in a folder. Numbers that may be larger than 2^53 are strings. */
export interface Entry {
  /** Bytes of the name, or of the path below where a walk began; base64. */
  readonly name: string;
  readonly type: EntryType;
  /** Bytes. */
  readonly size: number;
  /** Bytes that are allocated. */
  readonly allocated: number;
  /** Permissions with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  readonly inode: string;
  /** Nanoseconds since 1970, of the last change of content. */
  readonly mtime: string;
  readonly ctime: string;
  readonly atime: string;
  /** Base64 of where a link leads. */
  readonly target?: string;
  /** Of a device: `8:0`. */
  readonly device?: string;
}

/** What a file system says of its journal: replayed into a copy that is thrown away, or not read, with the reason in `notes`. */
export type JournalState = 'none' | 'clean' | 'replayed' | 'skipped';

export type VolumeState = 'readable' | 'encrypted' | 'swap' | 'empty' | 'part' | 'unsupported' | 'damaged';

/** Something on the disks that may hold a file system. */
export interface Volume {
  /** `disk-0p2`, `disk-1`, `vg0/root`, `md/0`. */
  readonly id: string;
  /** As blkid names it; null where nothing was recognised. */
  readonly type: string | null;
  readonly bytes: number;
  readonly label: string | null;
  readonly uuid: string | null;
  readonly state: VolumeState;
  /** Why it is not readable, or what holds it. */
  readonly why: string | null;
  /** Known once it was opened. */
  readonly used: number | null;
  readonly journal: JournalState | null;
  readonly notes: readonly string[];
}

/** A piece of a file. `slot` is the disk and `offset` the place on it; null: only the guest can read this piece. Bytes. */
export type Extent = readonly [at: number, length: number, slot: number | null, offset: number];

/** A part of a disk: which one, and bytes. */
export type DiskRange = readonly [slot: number, offset: number, bytes: number];

/** Of what is said of files that are not in an archive, bytes: one field of a trailer has room for it, in base64. */
export const leftOutBytes = 8000;

/** A volume of more parts is said to be anywhere. */
export const mostRanges = 4096;

/** A file with more pieces than this is read by the guest. */
export const mostExtents = 20_000;

/** Which entries a walk tells of. Every condition that is there has to hold. */
export interface WalkFilter {
  /** Shell patterns for the last name, with `*`, `?` and `[…]`; one of them has to fit. */
  readonly names?: readonly string[] | undefined;
  readonly ignoreCase?: boolean | undefined;
  readonly type?: EntryType | undefined;
  readonly minBytes?: number | undefined;
  readonly maxBytes?: number | undefined;
  /** Nanoseconds since 1970. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  /** How many folders deep; 1: what is in the folder itself. */
  readonly depth?: number | undefined;
}

/** Each request that the guest knows, with its answer. What `bytes` says of is streamed beside the answer. */
export interface Requests {
  plug: { readonly ask: { readonly disks: readonly PluggedDisk[] }; readonly answer: readonly Volume[] };
  volumes: { readonly ask: object; readonly answer: readonly Volume[] };
  open: { readonly ask: { readonly volume: string }; readonly answer: Volume };
  unlock: {
    readonly ask: { readonly volume: string; readonly passphrase: string };
    readonly answer: readonly Volume[];
  };
  /**
   * All parts of the disks that decide what a volume holds, in an order that says how. Null: that is not known. Where they are the same
   * parts with the same bytes, the volume is the same.
   */
  ranges: {
    readonly ask: { readonly volume: string };
    readonly answer: { readonly ranges: readonly DiskRange[] | null };
  };
  stat: {
    readonly ask: {
      readonly volume: string;
      readonly path: PathBytes;
      readonly follow: boolean;
      /** Without extended attributes. */
      readonly bare?: boolean;
      /** With the content of a regular file that has at most {@link inlineBytes}. */
      readonly content?: boolean;
    };
    readonly answer: Entry & {
      readonly path: PathBytes;
      readonly xattrs: readonly (readonly [name: string, value: string])[];
      /** Base64 of all bytes of the file. */
      readonly content?: string;
      /** Its folder has the name more than once: which of the files this is, nobody can say. Null: not looked at (`bare`). */
      readonly doubled: boolean | null;
    };
  };
  /** Lines of {@link Entry}, by the bytes of their names, after the name `after`. */
  list: {
    readonly ask: {
      readonly volume: string;
      readonly path: PathBytes;
      readonly after: string | null;
      readonly limit: number;
    };
    readonly answer: {
      readonly path: PathBytes;
      /** Names in the folder. */
      readonly total: number;
      readonly more: boolean;
      /** What of these entries could not be read, and what is wrong with the folder. */
      readonly unreadable: readonly string[];
    };
  };
  /** Lines of {@link Entry}, their names paths below `path`. */
  walk: {
    readonly ask: { readonly volume: string; readonly path: PathBytes; readonly filter: WalkFilter };
    readonly answer: { readonly seen: number; readonly unreadable: readonly string[] };
  };
  /** The content of a regular file, from `offset`, at most `length` bytes. */
  read: {
    readonly ask: {
      readonly volume: string;
      readonly path: PathBytes;
      readonly offset: number;
      readonly length: number | null;
    };
    readonly answer: { readonly bytes: number };
  };
  /**
   * Where the content of a regular file lies, from `offset`: lines of {@link Extent} in the order of the file; between them it is zeros.
   * `known` is false, and there are no lines, where asking for the bytes is the better way.
   */
  extents: {
    readonly ask: Requests['read']['ask'];
    readonly answer: { readonly known: boolean; readonly size: number };
  };
  /**
   * A tar archive (pax) of these paths, and of folders without what is in them, in parts (`archive/parts.ts`); names as below the folder
   * `from`, in which all are. Content that has to be read elsewhere lies on the disk of that slot.
   */
  tar: {
    readonly ask: {
      readonly volume: string;
      /** Default: the volume's root. */
      readonly from?: PathBytes;
      readonly paths: readonly PathBytes[];
      readonly folders?: readonly PathBytes[];
    };
    readonly answer: { readonly said: string };
  };
}

export type RequestName = keyof Requests;
export type Ask<N extends RequestName> = Requests[N]['ask'];
export type Answer<N extends RequestName> = Requests[N]['answer'];

/** What the hub writes. */
export type HubLine =
  | { readonly id: number; readonly do: RequestName; readonly ask: unknown }
  /** The line is too long for this way: it is in the file `ask<id>` of the folder with the sockets. */
  | { readonly id: number; readonly laid: true }
  | { readonly id: number; readonly taken: number }
  | { readonly id: number; readonly cancel: true };

/** What the guest writes. `chunk` n of a request is the file `<id>.<n>`. */
export type GuestLine =
  | { readonly ready: true }
  | { readonly alive: true }
  | { readonly id: number; readonly chunk: number; readonly bytes: number }
  | { readonly id: number; readonly answer: unknown; readonly rest?: string }
  | { readonly id: number; readonly error: { readonly code: GuestErrorCode; readonly message: string } };

export type GuestErrorCode = 'path' | 'type' | 'volume' | 'locked' | 'damaged' | 'cancelled' | 'internal';
