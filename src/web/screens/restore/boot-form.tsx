import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { BootOutput, HubBootRequest, RestorePointOutput } from '../../../schemas/types.ts';
import { ask, newRepeatKey } from '../../client/ask.ts';
import { ActDialog } from '../../design/act-dialog.tsx';
import { absolute, now } from '../../design/moment.ts';
import { plain, Text } from '../../design/text.tsx';
import { go } from '../../shell/router.ts';

/** Its disks are served, and QEMU is started, before the hub answers. */
const patienceMs = 120_000;

const texts = [
  { name: 'memory', label: 'Memory', hint: '4GiB. Empty: what was saved.' },
  { name: 'cpus', label: 'CPUs', hint: 'Empty: what was saved.' },
  { name: 'quota', label: 'It may write at most', hint: '50GiB. Empty: no limit.' },
] as const;

export interface BootFormProps {
  readonly point: RestorePointOutput;
  /** Several VMs have restore points under the name. */
  readonly severalVms: boolean;
}

/** Runs a VM from a restore point, after it was said what that means. */
export function BootForm({ point, severalVms }: BootFormProps): JSX.Element {
  const asked = useSignal<{ readonly request: HubBootRequest; readonly key: string } | null>(null);
  return (
    <form
      class="restore-form"
      onSubmit={(event) => {
        event.preventDefault();
        const request = requestOf(new FormData(event.currentTarget), point, severalVms);
        asked.value = { request, key: newRepeatKey() };
      }}
    >
      <fieldset class="part">
        <legend>How it runs</legend>
        <div class="target-fields">
          <label class="field">
            <span>Network</span>
            <select class="input" name="network">
              <option value="none">none: no network card</option>
              <option value="isolated">isolated: cards that reach nothing</option>
              <option value="other">another one:</option>
            </select>
          </label>
          <label class="field">
            <span>If another one: which</span>
            <input class="input" name="other" placeholder="default, or bridge:br0" spellcheck={false} />
          </label>
          {texts.map(({ name, label, hint }) => (
            <label key={name} class="field">
              <span>{label}</span>
              <input class="input" name={name} placeholder={hint} spellcheck={false} autocomplete="off" />
            </label>
          ))}
        </div>
      </fieldset>
      <div class="act-buttons">
        <button type="submit" class="button primary">
          Say what it would do
        </button>
      </div>
      {asked.value ? (
        <ActDialog<BootOutput>
          title={`Run ${plain(point.vm)} at once?`}
          act="Run it"
          onClose={() => (asked.value = null)}
          onAct={() =>
            ask('/api/v1/boots', {
              method: 'POST',
              body: asked.value?.request ?? {},
              repeatKey: asked.value?.key,
              patienceMs,
            })
          }
          onDone={() => go('/boots')}
        >
          <ul class="plain-list">
            <li>
              The VM of {absolute(point.created, now.value)} starts on the hub, network:{' '}
              <Text of={asked.value.request.network ?? 'none'} />.
            </li>
            <li>Nothing of the restore point is changed, nor removed while it runs.</li>
            <li>What its guest writes is lost when you end it, unless you keep it or move it to its place.</li>
          </ul>
        </ActDialog>
      ) : null}
    </form>
  );
}

function requestOf(form: FormData, point: RestorePointOutput, severalVms: boolean): HubBootRequest {
  const textOf = (name: string): string => String(form.get(name) ?? '').trim();
  const network = textOf('network');
  const { vm, repository, backup_id: id, identity } = point;
  return {
    vm,
    repository,
    point: id,
    network: network === 'other' ? textOf('other') : network,
    ...(severalVms && identity !== null ? { identity } : {}),
    ...(textOf('memory') === '' ? {} : { memory: textOf('memory') }),
    ...(textOf('quota') === '' ? {} : { quota: textOf('quota') }),
    ...(textOf('cpus') === '' ? {} : { cpus: Number(textOf('cpus')) }),
  };
}
