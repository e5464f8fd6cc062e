import type { CancelSignals } from '../engine/run-options.ts';
import type { StepRegistry } from '../engine/step.ts';
import type {
  CheckOutput,
  DiscoverOutput,
  ImportOutput,
  ListOutput,
  PlanOutput,
  RecoverOutput,
  RunEvent,
  RunFinishedEvent,
  Settings,
  ShowOutput,
  ShowRunOutput,
  StatusOutput,
} from '../schemas/types.ts';
import type { Services } from '../steps/services.ts';
import type { DiscoverRequestOptions } from './discover-source.ts';
import type { EmbeddedNodeFactory } from './embedded-node.ts';
import type { HubLog } from './hub-log.ts';
import type { Credentials } from './manage-credentials.ts';
import type { Nodes } from './nodes/manage-nodes.ts';
import type { HubService } from './serve-hub.ts';

export interface HubOptions {
  /** Settings file; default: `sendense.yaml` in `startFolder`, upward, then /etc/sendense. */
  readonly config?: string | undefined;
  readonly startFolder: string;
  /** Nothing is written, not even a state database made. */
  readonly readOnly?: boolean;
  /** How long it waits for another process that writes the state database, and does nothing else meanwhile, ms; default 15 000. */
  readonly busyTimeout?: number;
  readonly embeddedNode: EmbeddedNodeFactory;
  /** Default: the built-in steps. */
  readonly steps?: StepRegistry<Services>;
}

export interface RunRequest {
  readonly file: string;
  /** The plan's text, instead of what is in `file`. */
  readonly text?: string | undefined;
  readonly mode?: 'auto' | 'full' | 'incremental' | undefined;
  emit?(event: RunEvent): void;
  readonly cancel?: CancelSignals | undefined;
}

export interface PointFilter {
  readonly vm?: string | undefined;
  readonly repository?: string | undefined;
  /** A backup id. */
  readonly point?: string | undefined;
}

export interface CheckRequest extends PointFilter {
  readonly deep: boolean;
  readonly signal?: AbortSignal | undefined;
  onProgress?(text: string, done: number, total: number): void;
}

/** Everything that `sendense-run` can do, for the program and for whoever embeds it. */
export interface Hub extends AsyncDisposable {
  readonly settings: Settings;
  readonly settingsFile: string;
  /** Rejects with `plan.invalid` before the run begins; what happens later is in the event. */
  run(request: RunRequest): Promise<RunFinishedEvent>;
  preview(request: RunRequest): Promise<PlanOutput>;
  list(filter: PointFilter): Promise<ListOutput>;
  show(filter: PointFilter): Promise<ShowOutput>;
  /** How a run went; undefined where there is none of that id. */
  showRun(id: string): Promise<ShowRunOutput | undefined>;
  check(request: CheckRequest): Promise<CheckOutput>;
  status(): Promise<StatusOutput>;
  recover(signal?: AbortSignal): Promise<RecoverOutput>;
  readonly credentials: Credentials;
  readonly nodes: Nodes;
  /** The hub as a service, until it is disposed of. @param options.listen instead of `hub: listen` @throws SendenseError `hub.address`, `hub.host-key`, `secret.unreadable` */
  serve(options: { readonly listen?: string | undefined; readonly log: HubLog }): Promise<HubService>;
  discover(options: DiscoverRequestOptions): Promise<DiscoverOutput>;
  importRepository(name: string, signal?: AbortSignal): Promise<ImportOutput>;
}
