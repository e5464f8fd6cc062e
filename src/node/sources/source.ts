import type {
  DiskInfo,
  ErrorOutput,
  Inventory,
  NotProtected,
  Source as SourceSpec,
  VsphereVm,
} from '../../schemas/types.ts';
import type { JobPlace, OpenSource } from '../../sources/open-source.ts';
import type { LoginName, RefusedLogins } from '../vsphere/refused-logins.ts';

/**
 * A kind of source: where disks are read. `image` reads disk images and block devices. `vsphere` makes one snapshot of a VM
 * when it is opened; `disk` serves one of its disks, `changes` asks what changed, closing removes the snapshot.
 */
export interface Source<S extends SourceSpec = SourceSpec> {
  readonly type: S['type'];
  /** What disks there are; changes nothing. @throws SendenseError `source.*`, with the field in `details.field` */
  discover(spec: S, options: DiscoverOptions): Promise<DiscoveredDisks>;
  /** All VMs, where the source has several. */
  inventory?(spec: S, options: InventoryOptions): Promise<Inventory>;
  /** One consistent view of all disks, for as long as it is open. */
  open(spec: S, options: OpenOptions): Promise<OpenSource>;
  /** Who logs in where, for a source that asks for a password. */
  account?(spec: S, login: Login): LoginName;
  /** Removes what a job left at the source whose process died. "Nothing there" is success. */
  cleanUp?(spec: S, options: CleanUpOptions): Promise<void>;
}

/** Who logs in at the source. Never written down. */
export interface Login {
  readonly user: string;
  readonly password: string;
  /** What was refused before, in this process. */
  readonly refused?: RefusedLogins | undefined;
}

export interface DiscoverOptions {
  /** Name of the VM, where the source has several. */
  readonly vmName: string;
  readonly login: Login | null;
  /** Files and folders of the node or hub itself, which are no disks. */
  readonly own?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Of all VMs. */
export interface InventoryOptions extends Omit<DiscoverOptions, 'vmName'> {
  /** With the tags of each. */
  readonly tags?: boolean | undefined;
}

export interface CleanUpOptions extends DiscoverOptions {
  readonly jobId: string;
  /** How long what fails is tried again, ms. Default: minutes. */
  readonly retryMs?: number | undefined;
}

export interface DiscoveredDisks {
  readonly disks: DiskInfo[];
  readonly warnings: string[];
  readonly vm?: VsphereVm | null;
  readonly not_protected?: NotProtected[];
  /** Why a backup as asked for is not possible. */
  readonly refused?: ErrorOutput | null;
}

export interface OpenOptions extends DiscoverOptions, Omit<JobPlace, 'signal'> {
  readonly jobId: string;
  readonly backupId: string | null;
  /** The disks that the job is about; a source that finds another disk under a key refuses. */
  readonly expected: readonly { readonly key: string; readonly uuid: string | null }[];
  /** When the VM was last reverted to a snapshot, as the hub knew it, ms since the epoch; undefined: it did not ask. */
  readonly lastRevert?: number | null | undefined;
}
