import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { HubPlan, SchedulesOutput } from '../../../schemas/types.ts';
import { ask } from '../../client/ask.ts';
import { may } from '../../client/session.ts';
import { ActDialog } from '../../design/act-dialog.tsx';
import { plain } from '../../design/text.tsx';
import { RunNow } from '../plans/run-now.tsx';

/** Whether who is logged in may run a plan, and see what it would do. */
export const mayRun = ({ right }: HubPlan): boolean => may(right);

interface ActsProps {
  readonly plan: HubPlan;
  /** Something of it has changed. */
  onChange(): void;
}

/** What the reader may do with a plan. */
export function PlanActs({ plan, onChange }: ActsProps): JSX.Element {
  const open = useSignal<'run' | 'rest' | null>(null);
  const close = (): void => void (open.value = null);
  const { schedule } = plan;
  return (
    <>
      {may('operate') && schedule ? (
        <button type="button" class="button" onClick={() => (open.value = 'rest')}>
          {schedule.paused ? 'Resume schedule' : 'Pause schedule'}
        </button>
      ) : null}
      {mayRun(plan) ? (
        <button type="button" class="button primary" onClick={() => (open.value = 'run')}>
          Run now
        </button>
      ) : null}
      {open.value === 'run' ? <RunNow plan={plan} onClose={close} /> : null}
      {open.value === 'rest' ? <Rest plan={plan} onClose={close} onChange={onChange} /> : null}
    </>
  );
}

function Rest({ plan, onClose, onChange }: ActsProps & { onClose(): void }): JSX.Element {
  const paused = plan.schedule?.paused ?? null;
  const at = `/api/v1/schedules/${encodeURIComponent(plan.plan)}/${paused ? 'resume' : 'pause'}`;
  return (
    <ActDialog
      title={paused ? 'Let the schedule go on?' : 'Pause the schedule?'}
      act={paused ? 'Resume' : 'Pause'}
      onClose={onClose}
      onAct={(form) => {
        const reason = form.get('reason');
        return ask<SchedulesOutput>(at, { method: 'POST', ...(paused ? {} : { body: { reason: String(reason) } }) });
      }}
      onDone={onChange}
    >
      {paused ? (
        <p class="soft">{paused.reason === '' ? 'It runs again at its times.' : plain(paused.reason)}</p>
      ) : (
        <>
          <p class="soft">What it misses meanwhile is not caught up.</p>
          <label class="field">
            <span>Why</span>
            <input class="input" name="reason" maxLength={500} />
          </label>
        </>
      )}
    </ActDialog>
  );
}
