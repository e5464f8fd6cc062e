import type { RunOrigin } from '../engine/journal.ts';
import type { ReachedFiles } from '../files/client/files-client.ts';
import type { NodeClient } from '../host/node-api/node-client.ts';
import type { RepositoryAccess } from '../restore-points/repository-access.ts';
import type { RunEvent, RunFinishedEvent, Secret, Source } from '../schemas/types.ts';
import type { SourceAccount } from '../sources/source-kind.ts';

/** A run that belongs to another one. */
export interface ChildRun {
  /** The plan. Paths in it count from the file of the parent's plan. */
  readonly text: string;
  readonly origin: RunOrigin & { readonly parentRun: string };
  /** Cancels it gently. */
  readonly signal: AbortSignal;
  emit(event: RunEvent): void;
}

/** What the built-in steps act with; composed by `src/hub/create-services.ts`. */
export interface Services extends RepositoryAccess {
  readonly version: string;
  /** Folder of sendense.yaml, against which its relative paths count. */
  readonly settingsFolder: string;
  /** The node of that name; an embedded one is started on first use and ends with the hub. */
  node(name: string): Promise<NodeClient>;
  /** How long a run waits for a node that is out of reach when it begins, ms: its link may be coming back. */
  patienceWith(name: string): number;
  /** Whether the node of that name runs inside this process. */
  isEmbedded(name: string): boolean;
  /**
   * Makes the NBD ports of this hub answer at the node's loopback address until it is disposed of: where the hub dials the
   * node. In all other modes they do already, and nothing happens.
   * @param log told when the way breaks, and when it is back
   * @throws SendenseError `ssh.*`
   */
  openDataPath(
    node: string,
    ports: readonly number[],
    signal?: AbortSignal,
    log?: (message: string) => void,
  ): Promise<AsyncDisposable>;
  /**
   * Whether the node will reach the disks of a run: that {@link openDataPath} is allowed, and that the hub answers at the address of its
   * settings. @throws SendenseError `ssh.*`, `data.unreachable`, `settings.invalid`
   */
  checkDataPath(node: string, signal?: AbortSignal): Promise<void>;
  /** Whether {@link openDataPath} will get these ports, which belong to this run. @throws SendenseError `ssh.forward` */
  checkPorts(node: string, ports: readonly number[], signal?: AbortSignal): Promise<void>;
  /**
   * Reads files of restore points, until it is disposed of. A restore point is opened by its id.
   * @param caller who reads, for the record
   * @throws SendenseError `files.unavailable`, `files.reader`
   */
  openFiles(caller: string): Promise<ReachedFiles>;
  /** Whether {@link openFiles} has what it takes. @throws SendenseError `files.unavailable` */
  checkFiles(): void;
  /** Runs a plan as a part of another run. Rejects with `plan.invalid`; how the run ends is in the event. */
  runPlan(run: ChildRun): Promise<RunFinishedEvent>;
  readSecret(reference: Secret, folder: string, signal?: AbortSignal): Promise<string>;
  /**
   * User and password of a source that asks for them: of its stored credential, else as sendense.yaml says. Goes nowhere but
   * into a request to the node.
   * @throws SendenseError `credential.unknown`, `credential.sealed`, `credential.key`, `secret.unreadable`, `vsphere.settings`
   */
  sourceAccount(source: Source, signal?: AbortSignal): Promise<SourceAccount>;
}
