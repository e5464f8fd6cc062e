import type { Finding, Path } from '../errors/findings/finding.ts';
import type {
  CredentialsTestRequest,
  Discovered,
  DiscoverOutput,
  DiscoverRequest,
  ImageDisk,
  Inventory,
  Limits,
  PlannedEffect,
  Secret,
  Settings,
  Source,
  Vm,
  VmMatch,
} from '../schemas/types.ts';

export type SourceSettings = Settings['sources'][string];
type WrittenSource = Exclude<Vm['source'], string | undefined>;

/** The kinds of sources, as the schemas have them. */
export type SourceType = SourceSettings['type'] | Source['type'] | DiscoverOutput['type'] | WrittenSource['type'];

/** A source in sendense.yaml. */
export type SettingsOf<T extends SourceType> = Extract<SourceSettings, { type: T }>;
/** A source that a plan writes down itself; `never` for a kind that can stand in sendense.yaml only. */
export type WrittenOf<T extends SourceType> = Extract<WrittenSource, { type: T }>;
/** A source as the node gets it. */
export type SpecOf<T extends SourceType> = Extract<Source, { type: T }>;
/** What `discover` prints of a source. */
export type DiscoveryOf<T extends SourceType> = Extract<DiscoverOutput, { type: T }>;

/** A key of a plan's `vm` that only some kinds know. */
export type VmKey = Exclude<keyof Vm, 'name' | 'source'>;
/** A plan's `vm`. `source` is the name of a source in sendense.yaml, or a source; undefined: the only one of sendense.yaml. */
export type VmReference = Pick<Vm, 'name'> & Partial<Pick<Vm, VmKey>> & { readonly source?: unknown };

/**
 * A kind of source, as the hub sees it: where the disks of VMs are. Its other half is `src/node/sources/`, which reads them. A kind
 * has every member; `null` says that a kind has nothing of that sort. Nothing here acts: what asks a node or reads a file is handed in.
 */
export interface SourceKind<T extends SourceType> {
  readonly type: T;

  /** What a schema cannot say about a source of sendense.yaml. It may still have mistakes of form. */
  settingsFindings(source: Readonly<Record<string, unknown>>, path: Path): Finding[];
  /** What speaks against a plan's `vm` for a source of sendense.yaml, beside keys that this kind does not know. */
  vmFindings(vm: Vm, name: string, settings: SettingsOf<T>): Finding[];
  /** Keys of a plan's `vm` that mean something for this kind. */
  readonly vmKeys: readonly VmKey[];
  /** Keys by which a group can choose VMs of this kind. */
  readonly matchKeys: readonly (keyof VmMatch)[];
  /** VMs that sendense.yaml lists with their disks: those of which {@link writtenDisks} knows. */
  vmNames(settings: SettingsOf<T>): readonly string[];
  /** Disks of a VM that stand in sendense.yaml; null where they do not. */
  writtenDisks(settings: SettingsOf<T>, vm: string): readonly ImageDisk[] | null;
  /** For a kind that a plan can write down itself, in the place of a source's name. */
  readonly written: WrittenKind<T> | null;

  /**
   * The source as the node gets it: defaults filled in, paths absolute, no secret.
   * @param vm the plan's; an empty name: no VM in particular
   * @throws SendenseError `source.missing`, `vsphere.settings`, `file.unreadable`
   */
  spec(settings: SettingsOf<T>, vm: VmReference, place: SourcePlace): SpecOf<T>;
  /** The source's name in sendense.yaml; null where the node is not told it. */
  nameOf(spec: SpecOf<T>): string | null;
  readonly login: SourceLogin<T> | null;
  /** What sendense.yaml allows the transfers from this source. */
  limits(settings: SettingsOf<T>): Limits;
  /** What a backup does to the source. */
  effects(spec: SpecOf<T>): PlannedEffect[];
  /** What a job may leave at the source when it dies, in words; null: jobs make nothing there. */
  readonly leaves: ((jobId: string, vm: string) => string) | null;

  /** The VMs among which a group chooses. */
  listVms(source: AskedSource<T>, wanted: { readonly tags: boolean }): Promise<ListedVms>;
  /** What `discover` says. @throws SendenseError `source.missing`, `usage`, and what the node says */
  discover(source: AskedSource<T>, wanted: WantedVms): Promise<Discovery<T>>;
}

export interface WrittenKind<T extends SourceType> {
  /** In a message: "has no meaning for disk images". */
  readonly title: string;
  /** @param folder against which paths count */
  spec(written: WrittenOf<T>, folder: string): SpecOf<T>;
  /** Its disks; null where the source itself knows them. */
  disks(written: WrittenOf<T>): readonly ImageDisk[] | null;
}

/** A source of sendense.yaml. */
export interface SourcePlace {
  /** The source's name. */
  readonly name: string;
  /** Of sendense.yaml; paths count from there. */
  readonly folder: string;
  /** A small file that the settings name. */
  readFile(file: string): Buffer;
}

/** User and password. Never written down. */
export interface SourceAccount {
  readonly user: string;
  readonly password: string;
}

/** The fields of requests to a node that log in at a source. Nodes of other versions know them, so they stay as they are. */
export interface WireLogin {
  vcenter_user?: string;
  vcenter_password?: string;
}

/** For a kind that asks for a password. */
export interface SourceLogin<T extends SourceType> {
  /** What messages call a source of this kind. */
  readonly title: string;
  /** The stored credential that sendense.yaml names for the source. */
  credential(settings: SettingsOf<T>): string | null;
  /**
   * Who logs in.
   * @param settings the source in sendense.yaml, as it is now; undefined where it is no longer there, or of another kind
   * @throws SendenseError `vsphere.settings`
   */
  account(
    spec: SpecOf<T>,
    settings: SettingsOf<T> | undefined,
  ): { readonly credential: string } | { readonly user: string; readonly password: Secret };
  toWire(account: SourceAccount): WireLogin;
  /** Null where the request has no password. */
  fromWire(request: { readonly [K in keyof WireLogin]: string | null | undefined }): SourceAccount | null;
  /** Fields of {@link toWire} that are secret. */
  readonly secretFields: readonly (keyof WireLogin)[];
  /** The request that tries an account. */
  testRequest(spec: SpecOf<T>, account: SourceAccount): CredentialsTestRequest;
}

/** What a kind asks a node. */
export interface AskedNode {
  discover(request: DiscoverRequest, signal?: AbortSignal): Promise<Discovered>;
  inventory(request: Omit<DiscoverRequest, 'vm_name'>, signal?: AbortSignal): Promise<Inventory>;
}

/** A source of sendense.yaml, and what is needed to ask about it. */
export interface AskedSource<T extends SourceType> {
  readonly settings: SettingsOf<T>;
  readonly place: SourcePlace;
  /** Started where it is needed only. */
  node(): Promise<AskedNode>;
  /** The fields that log in; read anew for each request. */
  login(spec: SpecOf<T>): Promise<WireLogin>;
  readonly signal?: AbortSignal | undefined;
}

/** A VM of a source, as far as groups look at it. What the source does not have is null. */
export interface SourceVm {
  readonly name: string;
  readonly path: string | null;
  readonly moref: string | null;
  readonly instanceUuid: string | null;
  readonly template: boolean;
  /** Bytes of all disks; null where only the node could say. */
  readonly capacity: number | null;
  /** Tags as CATEGORY/NAME; null where nobody asked for them. */
  readonly tags: readonly string[] | null;
}

export interface ListedVms {
  readonly vms: SourceVm[];
  readonly warnings: readonly string[];
}

export interface WantedVms {
  /** Name, inventory path or managed object id. */
  readonly vm?: string | undefined;
  /** Only VMs below this inventory path. */
  readonly folder?: string | undefined;
  readonly node: string;
}

export interface Discovery<T extends SourceType> {
  readonly output: Omit<DiscoveryOf<T>, 'plan_file'>;
  /** The VM that was asked for; null where none was. */
  readonly one: FoundVm | null;
  /** Names of the source's other VMs, as far as they could be taken for this one. */
  readonly others: readonly string[];
}

/** A VM for which a plan can be written. */
export interface FoundVm {
  readonly name: string;
  /** What tells it from all VMs everywhere; null: only its name tells it. */
  readonly identity: string | null;
  /** What tells it from the other VMs of its source; null: its name does. */
  readonly id: string | null;
  /** Keys of its `vm` in a plan: where it is, and how it is read. */
  readonly where: Partial<Pick<Vm, VmKey>>;
  readonly reading: Partial<Pick<Vm, VmKey>>;
  /** What the source says of it; null: nothing beside its name. */
  readonly facts: {
    readonly guest: string | null;
    readonly disks: readonly { readonly label: string; readonly capacity_bytes: number }[];
    readonly findings: readonly { readonly level: 'stops' | 'weakens'; readonly message: string }[];
  } | null;
}
