import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { RunCancelOutput } from '../../../schemas/types.ts';
import { ActDialog } from '../../design/act-dialog.tsx';
import { ask } from '../../client/ask.ts';

/** Asks a run to stop, after a question. */
export function Cancel({ id, onAsked }: { readonly id: string; onAsked(): void }): JSX.Element {
  const open = useSignal(false);
  const asked = useSignal(false);
  return (
    <>
      <button type="button" class="button small" disabled={asked.value} onClick={() => (open.value = true)}>
        {asked.value ? 'Stopping…' : 'Cancel run'}
      </button>
      {open.value ? (
        <ActDialog
          title="Cancel this run?"
          act="Cancel run"
          destroys
          keep="Let it run"
          onClose={() => (open.value = false)}
          onAct={() => ask<RunCancelOutput>(`/api/v1/runs/${encodeURIComponent(id)}/cancel`, { method: 'POST' })}
          onDone={() => {
            asked.value = true;
            onAsked();
          }}
        >
          <p>It stops and removes what it has made so far. A restore point that is committed stays.</p>
        </ActDialog>
      ) : null}
    </>
  );
}
