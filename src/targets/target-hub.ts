import { SendenseError } from '../errors/sendense-error.ts';
import type { NodeClient } from '../host/node-api/node-client.ts';
import type { JobStatus, VsphereSourceSpec } from '../schemas/types.ts';
import type { WireLogin } from '../sources/source-kind.ts';
import type { RestoredDisk, RestoredFrom } from './target-kind.ts';

/** What a target acts with that is not at the hub: a node beside it writes the disks. */
export interface TargetHub {
  readonly signal: AbortSignal;
  log(message: string): void;
  /** A line for the user. */
  warn(message: string): void;
  /** A source of sendense.yaml, as a node gets it. @param credential in place of its own. @throws SendenseError `source.missing`, `vsphere.settings` */
  vsphere(name: string, credential: string | undefined): VsphereSourceSpec;
  /** The fields of a request that log in there. @throws SendenseError `credential.*`, `secret.unreadable` */
  login(spec: VsphereSourceSpec): Promise<WireLogin>;
  /** The node of that name. Its calls outlive a time out of reach. */
  node(name: string): Promise<NodeClient>;
  /** Whether that is a run of this hub that has ended, and of which nothing goes on any more. */
  hasEnded(runId: string): boolean;
  /** Whether that is a run of this hub that has not ended, as far as it knows: nobody's word takes its place. */
  isOpen(runId: string): boolean;
  /** Serves disks of a restore point to a node, read-only, until it is disposed of. @throws SendenseError `ports.*`, `nbd.failed`, `ssh.*` */
  serve(node: string, disks: readonly KeyedDisk[], from: RestoredFrom): Promise<ServedDisks>;
  /** Removes what {@link serve} left that died. */
  clearServed(): Promise<void>;
  /** Makes a disk's block index known to a node. @returns its SHA-256, hex */
  sendIndex(
    client: NodeClient,
    disk: Pick<RestoredDisk, 'index' | 'encryption'>,
    from: Pick<RestoredFrom, 'keys'>,
  ): Promise<string>;
  /** Starts a job, reports its progress until it has ended, and removes it. @throws SendenseError what it failed with */
  follow(job: FollowedJob): Promise<JobStatus>;
  /** Ends a job of a run that died. */
  endJob(node: string, jobId: string): Promise<void>;
}

/** A disk, by the name that the node has for it. */
export interface KeyedDisk {
  readonly key: string;
  readonly disk: RestoredDisk;
}

export interface ServedDisks extends AsyncDisposable {
  /** `key:nbd://host:port/export,…` */
  readonly sources: string;
  /** The pre-shared key of the run, hex; null: none is needed. A secret. */
  readonly psk: string | null;
  /** @throws SendenseError `nbd.failed` where a server has ended */
  assertServed(): void;
}

export interface FollowedJob {
  readonly node: string;
  readonly jobId: string;
  /** What the hub calls the disks of the job. */
  readonly disks: readonly { readonly key: string; readonly disk: string }[];
  /** Masked in its log. */
  readonly secrets: readonly string[];
  /** The phase of a disk, as people are told it. */
  readonly phaseOf?: (phase: string) => string;
  /** @param lease dead man's timer, s; null: none */
  start(client: NodeClient, lease: number | null): Promise<unknown>;
  /** Told how it is, again and again. */
  readonly onStatus?: (status: JobStatus) => void;
  /** Called again and again. Throws where the job has to end. */
  assertServed?(): void;
}

const none = (): never => {
  throw new SendenseError('run.internal', 'a claim must not act');
};

/** For claims, which are pure. */
export const noHub: TargetHub = {
  signal: new AbortController().signal,
  log: none,
  warn: none,
  vsphere: none,
  login: none,
  node: none,
  hasEnded: none,
  isOpen: none,
  serve: none,
  clearServed: none,
  sendIndex: none,
  follow: none,
  endJob: none,
};
