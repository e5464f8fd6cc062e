import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { RunStartedOutput, VerifyStartRequest } from '../../../schemas/types.ts';
import { ask, newRepeatKey } from '../../client/ask.ts';
import { ActDialog } from '../../design/act-dialog.tsx';
import { SelectField } from '../../design/select-field.tsx';
import { plain } from '../../design/text.tsx';
import { go } from '../../shell/router.ts';
import { levels } from '../vm/verify-levels.ts';

/** Verifies the newest restore point of each VM, and leads to the run. */
export function VerifyAll({ repository }: { readonly repository: string }): JSX.Element {
  const open = useSignal('');
  return (
    <>
      <button type="button" class="button primary" onClick={() => (open.value = newRepeatKey())}>
        Verify
      </button>
      {open.value === '' ? null : (
        <ActDialog<RunStartedOutput>
          title={`Verify the newest restore point of each VM in ${plain(repository)}?`}
          act="Verify"
          onClose={() => (open.value = '')}
          onAct={(form) => {
            const level = String(form.get('level')) as NonNullable<VerifyStartRequest['level']>;
            const body: VerifyStartRequest = { repository, level };
            return ask('/api/v1/verifications', { method: 'POST', body, repeatKey: `${open.value}-${level}` });
          }}
          onDone={({ run_id: id }) => go(`/runs/${encodeURIComponent(id)}`)}
        >
          <SelectField label="How" name="level" options={levels} />
        </ActDialog>
      )}
    </>
  );
}
