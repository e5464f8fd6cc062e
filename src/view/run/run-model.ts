import type {
  ChainDecideOutput,
  ErrorOutput,
  RunEvent,
  RunFinishedEvent,
  RunStartedEvent,
  StepProgressEvent,
} from '../../schemas/types.ts';

export interface StepModel {
  readonly id: string;
  readonly uses: string;
  readonly title: string;
  state: 'waiting' | 'running' | 'retrying' | 'succeeded' | 'failed' | 'skipped';
  attempt: number;
  /** Milliseconds since the epoch, of the first attempt. */
  started: number | null;
  durationMs: number | null;
  disks: StepProgressEvent['disks'];
  /** How far a step is that works on many things. */
  overall: StepProgressEvent['overall'] | null;
  lastLog: string | null;
  warnings: string[];
  output: unknown;
  error: ErrorOutput | null;
  undo: 'running' | 'done' | 'failed' | null;
  undoError: ErrorOutput | null;
}

/** What is known of a run from its events so far. */
export interface RunModel {
  started: RunStartedEvent | null;
  readonly steps: Map<string, StepModel>;
  /** Ids of the steps in the order in which their undo began. */
  readonly undone: string[];
  /** What undoing left on purpose, and the way out. */
  readonly kept: string[];
  cancelledBy: string | null;
  finished: RunFinishedEvent | null;
  /** Most bytes that a phase of a disk had to handle: what was read. */
  readonly read: Map<string, number>;
}

export const emptyRun = (): RunModel => ({
  started: null,
  steps: new Map(),
  undone: [],
  kept: [],
  cancelledBy: null,
  finished: null,
  read: new Map(),
});

/** Brings the model up to date; returns the step that the event is about, if any. */
export function applyEvent(model: RunModel, event: RunEvent): StepModel | null {
  switch (event.type) {
    case 'run.started':
      model.started = event;
      for (const { id, uses, title } of event.steps) model.steps.set(id, newStep(id, uses, title));
      return null;
    case 'run.cancelling':
      model.cancelledBy = event.signal;
      return null;
    case 'run.finished':
      model.finished = event;
      return null;
    case 'step.started': {
      const step = stepOf(model, event.step, event.uses, event.title);
      step.state = 'running';
      step.attempt = event.attempt;
      step.started ??= event.time;
      step.disks = [];
      step.overall = null;
      return step;
    }
    default:
      return applyStepEvent(model, event);
  }
}

type OtherEvent = Exclude<RunEvent, { type: 'run.started' | 'run.cancelling' | 'run.finished' | 'step.started' }>;

function applyStepEvent(model: RunModel, event: OtherEvent): StepModel {
  const step = stepOf(model, event.step);
  switch (event.type) {
    case 'step.progress':
      step.disks = event.disks;
      step.overall = event.overall ?? null;
      remember(model, event);
      break;
    case 'step.log':
      if (event.level === 'warning') (isUndone(step) ? model.kept : step.warnings).push(event.message);
      else step.lastLog = event.message;
      break;
    case 'step.succeeded':
      step.state = 'succeeded';
      step.durationMs = event.duration_ms;
      step.output = event.output;
      break;
    case 'step.skipped':
      step.state = 'skipped';
      step.lastLog = event.reason;
      break;
    case 'step.failed':
      step.state = event.retry_in_ms === null ? 'failed' : 'retrying';
      step.durationMs = event.duration_ms;
      step.error = event.error;
      break;
    case 'undo.started':
      step.undo = 'running';
      step.lastLog = null;
      noteUndo(model, step);
      break;
    case 'undo.finished':
      step.undo = 'done';
      break;
    case 'undo.failed':
      step.undo = 'failed';
      step.undoError = event.error;
      noteUndo(model, step);
      break;
  }
  return step;
}

/** Whether a step has already gone wrong for good. */
export const hasFailed = (model: RunModel): boolean =>
  model.cancelledBy !== null || [...model.steps.values()].some(({ state }) => state === 'failed');

/** Whether a disk is backed up full or incrementally, as far as the run has decided it. */
export function modeOf(model: RunModel, disk: string): 'full' | 'incremental' | undefined {
  const decided = [...model.steps.values()].find(({ uses }) => uses === 'chain.decide')?.output;
  return (decided as Partial<ChainDecideOutput> | null | undefined)?.disks?.find((one) => one.disk === disk)?.mode;
}

const isUndone = ({ undo, state }: StepModel): boolean => undo === 'running' && state !== 'retrying';

/** A step is undone before it is tried again, too; that is not yet the clean-up. */
function noteUndo(model: RunModel, step: StepModel): void {
  if (step.state !== 'retrying' && !model.undone.includes(step.id)) model.undone.push(step.id);
}

function remember(model: RunModel, { disks }: StepProgressEvent): void {
  for (const { disk, bytes_total: total } of disks) model.read.set(disk, Math.max(model.read.get(disk) ?? 0, total));
}

function stepOf(model: RunModel, id: string, uses = '', title = id): StepModel {
  const known = model.steps.get(id);
  if (known) return known;
  const step = newStep(id, uses, title);
  model.steps.set(id, step);
  return step;
}

const newStep = (id: string, uses: string, title: string): StepModel => ({
  id,
  uses,
  title,
  state: 'waiting',
  attempt: 1,
  started: null,
  durationMs: null,
  disks: [],
  overall: null,
  lastLog: null,
  warnings: [],
  output: null,
  error: null,
  undo: null,
  undoError: null,
});
