import type { JSX } from 'preact';
import type { ShowRunOutput } from '../../../schemas/types.ts';
import { formatDuration } from '../../../view/format.ts';
import { stepLook } from '../../design/looks.ts';
import { ErrorNotice } from '../../design/notice.tsx';
import { StatusMark } from '../../design/status-mark.tsx';
import { plain } from '../../design/text.tsx';

type Step = ShowRunOutput['steps'][number];

export interface StepsProps {
  /** Those that began, in their order. */
  readonly steps: readonly Step[];
  readonly run: ShowRunOutput['run'];
}

/** What the run did, step by step, and when after its start. */
export const Steps = ({ steps, run }: StepsProps): JSX.Element => (
  <ol class="steps">
    {steps.map((step) => (
      <li key={step.id}>
        <StatusMark look={stepLook(step.state, run.finished === null)} />
        <span>
          {plain(step.id)} <code class="soft">{plain(step.uses)}</code>
          {step.attempt > 1 ? <span class="soft"> attempt {step.attempt}</span> : null}
        </span>
        <span class="soft nowrap">after {formatDuration(Math.max(0, step.started - run.started))}</span>
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
    ))}
  </ol>
);
