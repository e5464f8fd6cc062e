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
  StatusOutput,
} from '../schemas/types.ts';
import type { Services } from '../steps/services.ts';
import type { DiscoverRequestOptions } from './discover-source.ts';
import type { EmbeddedNodeFactory } from './embedded-node.ts';
import type { Credentials } from './manage-credentials.ts';

export interface HubOptions {
  /** Settings file; default: `sendense.yaml` in `startFolder`, upward, then /etc/sendense. */
  readonly config?: string | undefined;
  readonly startFolder: string;
  /** Nothing is written, not even a state database made. */
  readonly readOnly?: boolean;
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
  check(request: CheckRequest): Promise<CheckOutput>;
  status(): Promise<StatusOutput>;
  recover(signal?: AbortSignal): Promise<RecoverOutput>;
  readonly credentials: Credentials;
  discover(options: DiscoverRequestOptions): Promise<DiscoverOutput>;
  importRepository(name: string, signal?: AbortSignal): Promise<ImportOutput>;
}
