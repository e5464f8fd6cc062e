import type {
  CleanedUp,
  CredentialsTested,
  CredentialsTestRequest,
  DiskInfo,
  ErrorOutput,
  Inventory,
  NotProtected,
  Source as SourceSpec,
  VmConfig,
  VmSpecChanges,
  VsphereVm,
} from '../../schemas/types.ts';
import type { JobPlace, OpenSource } from '../../sources/open-source.ts';
import type { LoginName, RefusedLogins } from '../vsphere/refused-logins.ts';

/**
 * A kind of source, as the node sees it: the half that reads disks. The hub's half is `src/sources/source-kind.ts`. A kind has every
 * member; `null` says that it has nothing of that sort.
 */
export interface Source<S extends SourceSpec = SourceSpec> {
  readonly type: S['type'];
  /** Files of this machine that the spec names as disks. Files of the node itself are refused, and relative paths. */
  files(spec: S): readonly SpecFile[];
  /** What disks there are; changes nothing. @throws SendenseError `source.*`, with the field in `details.field` */
  discover(spec: S, options: DiscoverOptions): Promise<DiscoveredDisks>;
  /** All VMs, where the source has several. */
  readonly inventory: ((spec: S, options: InventoryOptions) => Promise<Inventory>) | null;
  /** One consistent view of all disks, for as long as it is open. */
  open(spec: S, options: OpenOptions): Promise<OpenSource>;
  /** For a source that asks for a password. */
  readonly login: SourceLogin<S> | null;
  /** For a source at which jobs make something. */
  readonly traces: SourceTraces<S> | null;
  /** For a source that knows the configuration of its VMs: how one differs from what it was. */
  readonly specChanges: ((spec: S, options: DiscoverOptions, since: VmConfig) => Promise<VmSpecChanges>) | null;
}

/** A file of this machine in a request. */
export interface SpecFile {
  /** A pointer into the spec, such as `/disks/0/path`. */
  readonly field: string;
  readonly path: string;
}

export interface SourceLogin<S extends SourceSpec = SourceSpec> {
  /** Who logs in where, so that a password which was refused is not tried again. */
  account(spec: S, login: Login): LoginName;
  /** Logs in, and asks which privileges are missing. */
  test(spec: S, login: Login | null, purpose: LoginPurpose, signal: AbortSignal): Promise<CredentialsTested>;
}

/** What somebody logs in for. */
export type LoginPurpose = NonNullable<CredentialsTestRequest['purpose']>;

export interface SourceTraces<S extends SourceSpec = SourceSpec> {
  /** Removes what a job left at the source whose process died. "Nothing there" is success. */
  cleanUp(spec: S, options: CleanUpOptions): Promise<void>;
  /** Removes what jobs left of a VM whose processes died, and what is old; says what stays, and why. */
  removeLeftOvers(spec: S, options: LeftOverOptions): Promise<LeftOvers>;
}

export type LeftOvers = Pick<CleanedUp, 'snapshots' | 'kept_snapshots' | 'warnings'>;

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

export interface LeftOverOptions extends DiscoverOptions {
  /** Folder of the node's state. */
  readonly stateDir: string;
  readonly dryRun: boolean;
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
