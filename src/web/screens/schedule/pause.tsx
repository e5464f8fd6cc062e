import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { SchedulesOutput, TimetablePlan } from '../../../schemas/types.ts';
import { ask, type Answer } from '../../client/ask.ts';
import { ActDialog } from '../../design/act-dialog.tsx';
import { plain } from '../../design/text.tsx';

interface PauseProps {
  readonly plan: TimetablePlan;
  onDone(): void;
}

/** Lets a schedule rest, or go on. */
export function PauseOrResume({ plan: { plan, paused }, onDone }: PauseProps): JSX.Element {
  const open = useSignal(false);
  const word = paused ? 'Resume' : 'Pause';
  const act = (form: FormData): Promise<Answer<SchedulesOutput>> => {
    const reason = String(form.get('reason') ?? '').trim();
    return ask<SchedulesOutput>(`/api/v1/schedules/${encodeURIComponent(plan)}/${paused ? 'resume' : 'pause'}`, {
      method: 'POST',
      ...(paused ? {} : { body: reason === '' ? {} : { reason } }),
    });
  };
  return (
    <>
      <button
        type="button"
        class="button small"
        aria-label={`${word} ${plain(plan)}`}
        onClick={() => (open.value = true)}
      >
        {word}
      </button>
      {open.value ? (
        <ActDialog
          title={`${word} the schedule of ${plain(plan)}?`}
          act={word}
          onClose={() => (open.value = false)}
          onAct={act}
          onDone={onDone}
        >
          {paused ? (
            <p class="soft">It goes on with its next slot. What it missed meanwhile is not caught up.</p>
          ) : (
            <label class="field">
              <span>Why (others read it)</span>
              <input class="input" name="reason" maxLength={500} />
            </label>
          )}
        </ActDialog>
      ) : null}
    </>
  );
}
