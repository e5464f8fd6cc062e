import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { RunStartedOutput } from '../../../schemas/types.ts';
import { ask, newRepeatKey } from '../../client/ask.ts';
import { ActDialog } from '../../design/act-dialog.tsx';
import { plain } from '../../design/text.tsx';
import { go } from '../../shell/router.ts';

/** It is looked at before it begins, ms. */
const patienceMs = 60_000;

/** The name of the plan that a text has; undefined: it has none that stands in a line of its own. */
export const planNameIn = (text: string): string | undefined =>
  /^name:[ \t]+(["']?)([A-Za-z0-9][\w.-]*)\1[ \t]*(?:#.*)?$/m.exec(text)?.[2];

export interface RunPlanProps {
  readonly plan: string;
  onClose(): void;
}

/** Runs the plan of a file as it was saved. */
export const RunPlan = ({ plan, onClose }: RunPlanProps): JSX.Element => {
  const key = useSignal(newRepeatKey());
  return (
    <ActDialog<RunStartedOutput>
      title={`Run ${plain(plan)} now?`}
      act="Run it"
      onClose={onClose}
      onAct={() =>
        ask(`/api/v1/plans/${encodeURIComponent(plan)}/runs`, {
          method: 'POST',
          body: {},
          repeatKey: key.value,
          patienceMs,
        })
      }
      onDone={({ run_id: id }) => go(`/runs/${encodeURIComponent(id)}`)}
    >
      <p class="soft">As it was saved last. What it would do stands beside its text.</p>
    </ActDialog>
  );
};
