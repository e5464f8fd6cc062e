import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type {
  ProtectOutput,
  RestorePointOutput,
  RunStartedOutput,
  VerifyStartRequest,
} from '../../../schemas/types.ts';
import { ask, newRepeatKey } from '../../client/ask.ts';
import { may } from '../../client/session.ts';
import { ActDialog } from '../../design/act-dialog.tsx';
import { endOfDays, SelectField } from '../../design/select-field.tsx';
import { exact } from '../../design/moment.ts';
import { go } from '../../shell/router.ts';
import { addressOfPlace } from '../../shell/files-place.ts';
import { RemovePoint } from './remove-point.tsx';
import { levels } from './verify-levels.ts';

export interface PointActsProps {
  readonly point: RestorePointOutput;
  /** Something of it has changed. */
  onChange(): void;
}

const spans = [
  { value: '30', word: 'for 30 days' },
  { value: '365', word: 'for a year' },
  { value: '', word: 'for ever' },
] as const;

/** What the reader may do with a restore point. */
export function PointActs({ point, onChange }: PointActsProps): JSX.Element {
  const open = useSignal<'verify' | 'protect' | 'unprotect' | 'remove' | null>(null);
  const close = (): void => void (open.value = null);
  const when = exact(point.created);
  const marks = `/api/v1/backups/${encodeURIComponent(point.backup_id)}/protection?repository=${encodeURIComponent(point.repository)}`;
  return (
    <span class="point-acts">
      {may('restore') ? (
        <a
          class="button small"
          aria-label={`Restore ${when}`}
          href={`/vms/${encodeURIComponent(point.vm)}/restore?point=${encodeURIComponent(point.backup_id)}`}
        >
          Restore
        </a>
      ) : null}
      {may('browse') && !point.broken ? (
        <a
          class="button small"
          aria-label={`Files of ${when}`}
          href={addressOfPlace({ vm: point.vm, repository: point.repository, point: point.backup_id })}
        >
          Files
        </a>
      ) : null}
      {may('operate') ? (
        <button
          type="button"
          class="button small"
          aria-label={`Verify ${when}`}
          onClick={() => (open.value = 'verify')}
        >
          Verify
        </button>
      ) : null}
      {may('keep') ? (
        <button
          type="button"
          class="button small"
          aria-label={`${point.protected ? 'Unprotect' : 'Protect'} ${when}`}
          onClick={() => (open.value = point.protected ? 'unprotect' : 'protect')}
        >
          {point.protected ? 'Unprotect' : 'Protect'}
        </button>
      ) : null}
      {may('keep') ? (
        <button
          type="button"
          class="button small"
          aria-label={`Remove ${when}`}
          onClick={() => (open.value = 'remove')}
        >
          Remove
        </button>
      ) : null}
      {open.value === 'remove' ? <RemovePoint point={point} onClose={close} /> : null}
      {open.value === 'verify' ? <Verify point={point} onClose={close} /> : null}
      {open.value === 'protect' ? (
        <ActDialog
          title="Protect this restore point?"
          act="Protect"
          onClose={close}
          onAct={(form) => {
            const body = { until: endOfDays(form.get('span')), reason: String(form.get('reason')) };
            return ask<ProtectOutput>(marks, { method: 'PUT', body });
          }}
          onDone={onChange}
        >
          <p class="soft">{when}. No policy removes it, nor what it is built on.</p>
          <SelectField label="How long" name="span" options={spans} />
          <label class="field">
            <span>Why</span>
            <input class="input" name="reason" maxLength={500} />
          </label>
        </ActDialog>
      ) : null}
      {open.value === 'unprotect' ? (
        <ActDialog
          title="Unprotect this restore point?"
          act="Unprotect"
          onClose={close}
          onAct={() => ask<ProtectOutput>(marks, { method: 'DELETE' })}
          onDone={onChange}
        >
          <p class="soft">{when}. Your policies decide about it again. The next prune may remove it.</p>
        </ActDialog>
      ) : null}
    </span>
  );
}

function Verify({ point, onClose }: { readonly point: RestorePointOutput; onClose(): void }): JSX.Element {
  const key = useSignal(newRepeatKey());
  return (
    <ActDialog
      title="Verify this restore point?"
      act="Verify"
      onClose={onClose}
      onAct={(form) => {
        const level = levels.find(({ value }) => value === form.get('level'))?.value ?? 'digests';
        const { repository, vm, backup_id: id } = point;
        const body: VerifyStartRequest = { repository, vms: [vm], point: id, level };
        const repeatKey = `${key.value}-${level}`;
        return ask<RunStartedOutput>('/api/v1/verifications', { method: 'POST', body, repeatKey });
      }}
      onDone={({ run_id: id }) => go(`/runs/${encodeURIComponent(id)}`)}
    >
      <p class="soft">{exact(point.created)}. A run reads its files, and says what it found.</p>
      <SelectField label="How deep" name="level" options={levels} />
    </ActDialog>
  );
}
