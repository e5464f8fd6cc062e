import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { HubPlan, RunStartedOutput, RunStartRequest } from '../../../schemas/types.ts';
import { ask, newRepeatKey, type Question } from '../../client/ask.ts';
import { ActDialog } from '../../design/act-dialog.tsx';
import { SelectField } from '../../design/select-field.tsx';
import { plain } from '../../design/text.tsx';
import { go } from '../../shell/router.ts';

const modes = [
  { value: '', word: 'As the plan says' },
  { value: 'full', word: 'Full' },
  { value: 'incremental', word: 'Incremental' },
] as const;

/** A run tells its id when it has begun, which takes a moment on a busy hub. */
const patienceMs = 45_000;

interface RunNowProps {
  readonly plan: Pick<HubPlan, 'plan' | 'kind'>;
  onClose(): void;
}

/** Asks whether a plan is to run now, and shows the run. */
export function RunNow({ plan, onClose }: RunNowProps): JSX.Element {
  const key = useSignal(newRepeatKey());
  const hasMode = plan.kind === 'backup';
  return (
    <ActDialog
      title={`Run ${plain(plan.plan)} now?`}
      act="Run"
      onClose={onClose}
      onAct={(form) => {
        const mode = form.get('mode');
        const body: RunStartRequest = mode === 'full' || mode === 'incremental' ? { mode } : {};
        const question: Question = { method: 'POST', body, repeatKey: `${key.value}-${String(mode)}`, patienceMs };
        return ask<RunStartedOutput>(`/api/v1/plans/${encodeURIComponent(plan.plan)}/runs`, question);
      }}
      onDone={({ run_id: id }) => go(`/runs/${encodeURIComponent(id)}`)}
    >
      {hasMode ? (
        <SelectField label="Type" name="mode" options={modes} />
      ) : (
        <p class="soft">It does what its text says. Look at what it would do first.</p>
      )}
    </ActDialog>
  );
}
