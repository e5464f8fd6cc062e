import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { PlanOutput, PlanTextRequest } from '../../../schemas/types.ts';
import { ask, type Trouble } from '../../client/ask.ts';
import { ErrorNotice } from '../../design/notice.tsx';
import { StepsAhead } from '../../design/steps-ahead.tsx';

/** A dry-run looks at the disks, also at those of other machines. */
const patienceMs = 120_000;

interface AheadProps {
  /** What is in the editor. */
  readonly text: string;
  fileName(): string;
}

/** What the text in the editor would do, unsaved. */
export function Ahead({ text, fileName }: AheadProps): JSX.Element {
  const busy = useSignal(false);
  const found = useSignal<{ readonly of: PlanOutput; readonly text: string } | undefined>(undefined);
  const trouble = useSignal<{ readonly of: Trouble; readonly text: string } | undefined>(undefined);
  const look = async (): Promise<void> => {
    busy.value = true;
    const body: PlanTextRequest = { text, file: fileName() };
    const answer = await ask<PlanOutput>('/api/v1/plans/preview', { method: 'POST', body, patienceMs });
    busy.value = false;
    trouble.value = answer.ok === false ? { of: answer.trouble, text } : undefined;
    found.value = answer.ok === true ? { of: answer.body, text } : undefined;
  };
  return (
    <section class="block">
      <div class="block-head">
        <h2>What it would do</h2>
        <button type="button" class="button small" aria-disabled={busy.value} onClick={() => busy.value || void look()}>
          {busy.value ? 'Looking…' : found.value ? 'Look again' : 'Look'}
        </button>
      </div>
      {trouble.value?.text === text ? <ErrorNotice error={trouble.value.of} alert /> : null}
      {trouble.value && trouble.value.text !== text ? (
        <p class="soft">You have changed the text since the hub refused it. Look again.</p>
      ) : null}
      {found.value ? (
        <>
          {found.value.text === text ? null : <p class="soft">You have changed the text since. Look again.</p>}
          <StepsAhead of={found.value.of} />
        </>
      ) : (
        <p class="soft">
          The hub looks at disks and repository, as a run would now. Nothing is saved and nothing begins.
        </p>
      )}
    </section>
  );
}
