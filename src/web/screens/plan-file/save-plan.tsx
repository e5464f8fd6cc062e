import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { HubPlanFile, PlanFileNew, PlanFileSave } from '../../../schemas/types.ts';
import { ask, type Answer } from '../../client/ask.ts';
import { ActDialog } from '../../design/act-dialog.tsx';
import { Diff } from '../../design/diff.tsx';
import { plain } from '../../design/text.tsx';
import type { PlanDraft } from './plan-draft.ts';

export interface SavePlanProps {
  readonly draft: PlanDraft;
  /** Null: it is to be made. */
  readonly file: string | null;
  /** What it is called, or is to be. */
  readonly name: string;
  onClose(): void;
  onSaved(saved: HubPlanFile): void;
  /** Somebody else has saved the file since it was read. */
  onConflict(): void;
}

/** Shows what changes, and saves it. */
export function SavePlan({ draft, file, name, onClose, onSaved, onConflict }: SavePlanProps): JSX.Element {
  const base = draft.base.value ?? { text: '', etag: '' };
  const text = draft.text.value;
  const wrong = useSignal(draft.problems.value?.some(({ severity }) => severity === 'error') === true);
  const save = async (form: FormData): Promise<Answer<HubPlanFile>> => {
    const force = form.get('force') === 'yes' ? { force: true } : {};
    const answer = await (file === null
      ? ask<HubPlanFile>('/api/v1/plan-files', {
          method: 'POST',
          body: { file: name, text, ...force } satisfies PlanFileNew,
        })
      : ask<HubPlanFile>(`/api/v1/plan-files/${encodeURIComponent(file)}`, {
          method: 'PUT',
          body: { text, ...force } satisfies PlanFileSave,
          ifMatch: base.etag,
        }));
    if (answer.ok !== false) return answer;
    if (answer.trouble.code === 'plan.invalid') wrong.value = true;
    if (answer.trouble.code === 'plan.changed') onConflict();
    return answer;
  };
  return (
    <ActDialog
      title={file === null ? `Make ${plain(name)}?` : `Save ${plain(name)}?`}
      act={file === null ? 'Make' : 'Save'}
      onClose={onClose}
      onAct={save}
      onDone={onSaved}
      wide
    >
      <Diff label="What changes" before={base.text} after={text} />
      {wrong.value ? (
        <label class="check">
          <input type="checkbox" name="force" value="yes" />
          <span>Save it although it is not valid. The hub goes on with the last valid text.</span>
        </label>
      ) : null}
    </ActDialog>
  );
}
