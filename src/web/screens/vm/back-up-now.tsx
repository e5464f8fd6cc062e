import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { BackupProgressOutput, HubBackupRequest, HubVm } from '../../../schemas/types.ts';
import { ask, newRepeatKey, type Answer } from '../../client/ask.ts';
import { ActDialog } from '../../design/act-dialog.tsx';
import { SelectField } from '../../design/select-field.tsx';
import { plain } from '../../design/text.tsx';
import { go } from '../../shell/router.ts';

/** The hub answers when the disks are served, or after 30 s. */
const patienceMs = 45_000;

const types = [
  { value: 'auto', word: 'As the plan says' },
  { value: 'full', word: 'Full' },
  { value: 'incremental', word: 'Incremental' },
] as const;

/** Backs the VM up, and leads to the run. */
export function BackUpNow({ vm }: { readonly vm: HubVm }): JSX.Element {
  const open = useSignal('');
  const begin = (form: FormData): Promise<Answer<BackupProgressOutput>> => {
    const [type, plan] = [String(form.get('type')), form.get('plan')];
    const body: HubBackupRequest = {
      vm_name: vm.vm,
      ...(type === 'full' || type === 'incremental' ? { backup_type: type } : {}),
      ...(plan === null ? {} : { policy_id: String(plan) }),
    };
    // Another choice is another question.
    const repeatKey = `${open.value}-${type}-${vm.plans.indexOf(String(plan))}`;
    return ask<BackupProgressOutput>('/api/v1/backups', { method: 'POST', body, repeatKey, patienceMs });
  };
  return (
    <>
      <button
        type="button"
        class="button primary"
        disabled={vm.running !== null}
        onClick={() => (open.value = newRepeatKey())}
      >
        {vm.running === null ? 'Back up now' : 'Backup runs'}
      </button>
      {open.value === '' ? null : (
        <ActDialog
          title={`Back up ${plain(vm.vm)} now?`}
          act="Back up"
          onClose={() => (open.value = '')}
          onAct={begin}
          onDone={({ run_id: id }) => go(`/runs/${encodeURIComponent(id)}`)}
        >
          <SelectField label="Type" name="type" options={types} />
          {vm.plans.length > 1 ? (
            <SelectField label="Plan" name="plan" options={vm.plans.map((plan) => ({ value: plan, word: plan }))} />
          ) : null}
        </ActDialog>
      )}
    </>
  );
}
