import type { JSX } from 'preact';
import type { ShowRunOutput } from '../../../schemas/types.ts';
import { formatDuration } from '../../../view/format.ts';
import type { RunModel, StepModel } from '../../../view/run/run-model.ts';
import { stepLook } from '../../design/looks.ts';
import { now } from '../../design/moment.ts';
import { ErrorNotice } from '../../design/notice.tsx';
import { StatusMark } from '../../design/status-mark.tsx';
import { plain } from '../../design/text.tsx';

type Step = ShowRunOutput['steps'][number];

export interface StepsProps {
  /** Those that began, in their order. */
  readonly steps: readonly Step[];
  readonly run: ShowRunOutput['run'];
  /** What its log says; empty where none was kept. */
  readonly model: RunModel;
}

/** What the run did, step by step, on one line of time. */
export function Steps({ steps, run, model }: StepsProps): JSX.Element {
  const end = run.finished ?? Math.max(now.value, ...steps.map(({ started }) => started));
  const span = Math.max(1, end - run.started);
  const begun = new Set(steps.map(({ id }) => id));
  const waiting = run.finished === null ? [...model.steps.values()].filter(({ id }) => !begun.has(id)) : [];
  return (
    <ol class="steps">
      {steps.map((step, index) => {
        const from = Math.max(0, step.started - run.started);
        const ms = lengthOf(step, steps[index + 1], end, model.steps.get(step.id));
        return <BegunStep key={step.id} step={step} run={run} from={from} ms={ms} span={span} model={model} />;
      })}
      {waiting.map(({ id, title }) => (
        <li key={id} class="waits">
          <StatusMark look={{ shape: 'dot', tone: 'idle', word: 'waiting' }} />
          <span>{plain(title)}</span>
        </li>
      ))}
    </ol>
  );
}

/** How long a step took, ms; without a log until the next one began. */
function lengthOf(step: Step, next: Step | undefined, end: number, known: StepModel | undefined): number {
  if (known?.durationMs != null && known.state !== 'running') return known.durationMs;
  return Math.max(0, (next?.started ?? end) - step.started);
}

interface BegunProps {
  readonly step: Step;
  readonly run: ShowRunOutput['run'];
  /** Milliseconds after the start of the run. */
  readonly from: number;
  readonly ms: number;
  /** Length of the run, ms. */
  readonly span: number;
  readonly model: RunModel;
}

function BegunStep({ step, run, from, ms, span, model }: BegunProps): JSX.Element {
  const look = stepLook(step.state, run.finished === null, step.error?.code ?? null);
  const percent = (part: number): string => `${Math.min(100, (part * 100) / span)}%`;
  return (
    <li>
      <StatusMark look={look} />
      <span>
        {plain(model.steps.get(step.id)?.title ?? step.id)} <code class="soft">{plain(step.uses)}</code>
        {step.attempt > 1 ? <span class="soft"> attempt {step.attempt}</span> : null}
      </span>
      <span class={`lane tone-${look.tone}`} aria-hidden="true">
        <span style={{ insetInlineStart: `min(${percent(from)}, 100% - 3px)`, inlineSize: percent(ms) }} />
      </span>
      <span class="soft nowrap took">
        {formatDuration(ms)}
        <span class="only-read">, after {formatDuration(from)}</span>
      </span>
      {/* The error of the run stands above, and says the same. */}
      {step.error && step.error.message !== run.error?.message ? (
        <div class="why">
          <ErrorNotice error={step.error} />
        </div>
      ) : null}
      {step.undo_error ? (
        <div class="why">
          <ErrorNotice error={step.undo_error} />
        </div>
      ) : null}
    </li>
  );
}
