import type { SendenseError } from '../../../errors/sendense-error.ts';
import type { ProcessIdentity, VsphereSourceSpec } from '../../../schemas/types.ts';
import type { RefusedLogins } from '../refused-logins.ts';

export type TransportName = VsphereSourceSpec['transports'][number];

/** What a transport needs to know of a disk of a snapshot. */
export interface SnapshotDiskRef {
  readonly vmMoref: string;
  /** Empty before there is a snapshot; then a disk can be judged, not served. */
  readonly snapshotMoref: string;
  readonly key: number;
  /** Hard disk 1 */
  readonly label: string;
  /** `[datastore] folder/disk.vmdk`, as in the snapshot's backing. */
  readonly file: string;
  /** Bytes. */
  readonly capacity: number;
  /** flat, sesparse, … */
  readonly backing: string;
  readonly hasParent: boolean;
  /** The backing names a key: whoever reads the file itself reads cipher text. */
  readonly encrypted?: boolean;
  /** Inventory path of the datacenter without the first slash (`DC1`, `Folder/DC1`), as vSphere spells it. */
  readonly datacenter: string | null;
  /** VMFS, NFS, vsan, VVOL, … */
  readonly datastoreType: string | null;
  /** Name of the ESXi host that runs the VM. */
  readonly host: string | null;
}

export interface TransportContext {
  readonly spec: VsphereSourceSpec;
  readonly password: () => Promise<string> | string;
  /**
   * The cookie of the SOAP session, `vmware_soap_session="…"`. Where `refused` is given, the server did not take that one
   * any more: the session is to be renewed first, unless it has been since.
   */
  readonly cookie: (refused?: string) => Promise<string> | string;
  /** Logins of VMware's disk library, which has a session of its own for each disk. */
  readonly vddkLogins?: RefusedLogins | undefined;
  /** For files that end with the job; of any length. */
  readonly jobFolder: string;
  /** For sockets: short enough for them, and this user's alone. */
  readonly socketFolder: string;
  readonly signal?: AbortSignal | undefined;
  readonly warn: (message: string) => void;
  /** What is waited for, and null when that is over: nothing is wrong meanwhile. */
  readonly waiting?: (what: string | null) => void;
}

export interface ServedDisk extends AsyncDisposable {
  /** NBD URI of the disk's content, read-only. */
  readonly uri: string;
  /** Best size of a read, bytes. */
  readonly requestBytes: number;
  /** Connections to the export that help. */
  readonly connections: number;
  readonly multiConn: boolean;
  /** Why the last read failed, in our words; null where nothing was said. For the error of a failed read. */
  lastError(): string | null;
  /** What was read is not the disk: `transport.unsafe`; null where nothing is known to be wrong. For a read that failed. */
  lastFault?(): SendenseError | null;
  /**
   * To be asked when all was read, `bytesRead` in all, each byte once; nothing can be read any more then.
   * @throws SendenseError `transport.unsafe` where it is not proven that what was read is the disk
   */
  assertSound?(bytesRead: number): Promise<void>;
  /** How many bytes it was asked to write so far. There where the disk is served for writing. */
  bytesWritten?(): number;
  /** The process that reads. */
  readonly process: ProcessIdentity;
}
