import './restore.css';
import type { JSX } from 'preact';
import { useSignal, type Signal } from '@preact/signals';
import type { HubChain, HubRestoreTargets, RestorePointOutput } from '../../../schemas/types.ts';
import { formatTime } from '../../../view/format.ts';
import { useLive } from '../../client/live.ts';
import { Crumbs } from '../../design/crumbs.tsx';
import { Empty } from '../../design/notice.tsx';
import { Advice, plain, Text } from '../../design/text.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import { place, setQuery } from '../../shell/router.ts';
import type { ScreenProps } from '../../shell/screens.ts';
import { useTitle } from '../../shell/titled.ts';
import { BootForm } from './boot-form.tsx';
import { Preview, type Previewed } from './preview.tsx';
import { askPreview } from './restore-request.ts';
import { TargetFields } from './target-fields.tsx';
import { targets, type Target } from './targets.ts';
import { WhatFields } from './what-fields.tsx';

/** Of a restore: which point, what of it, where to, what would happen; and only then it is asked for. */
export function RestoreScreen({ params }: ScreenProps): JSX.Element {
  const vm = params['vm'] ?? '';
  const chain = useLive<HubChain>(`/api/v1/backups/chain/${encodeURIComponent(vm)}?limit=100`, { everyMs: 60_000 });
  const known = useLive<HubRestoreTargets>('/api/v1/restores/targets', { everyMs: 60_000 });
  useTitle(`Restore ${plain(vm)}`);
  const trouble = chain.trouble.value;
  return (
    <>
      <header>
        <Crumbs
          of={[
            { title: 'VMs', to: '/vms' },
            { title: plain(vm), to: `/vms/${encodeURIComponent(vm)}` },
          ]}
        />
        <div class="page-head">
          <h1>
            Restore <Text of={vm} />
          </h1>
        </div>
      </header>
      {trouble?.code === 'point.unknown' ? (
        <Empty title="There is no restore point to restore.">Back the VM up first.</Empty>
      ) : (
        <TroubleNotice of={trouble} />
      )}
      <TroubleNotice of={known.trouble.value} />
      {chain.data.value && known.data.value ? (
        <Choose vm={vm} points={chain.data.value.points.toReversed()} known={known.data.value} />
      ) : null}
    </>
  );
}

interface ChooseProps {
  readonly vm: string;
  /** The newest first. */
  readonly points: readonly RestorePointOutput[];
  readonly known: HubRestoreTargets;
}

/** In the address it is `boot`: the VM runs from the restore point, without a restore. */
const atOnce = 'boot';

function Choose({ vm, points, known }: ChooseProps): JSX.Element | null {
  const previewed = useSignal<Previewed | null>(null);
  const { query } = place.value;
  const point = points.find(({ backup_id: id }) => id === query.get('point')) ?? points[0];
  if (!point) return null;
  const to = query.get('to') ?? atOnce;
  const target = targets.find(({ kind }) => kind === to);
  const severalVms = new Set(points.map(({ identity }) => identity)).size > 1;
  const forget = (): void => void (previewed.value = null);
  return (
    <>
      <form
        class="restore-form"
        onInput={forget}
        onChange={keepTyped}
        onSubmit={(event) => {
          event.preventDefault();
          if (target) void preview(event.currentTarget, previewed, { target, point, severalVms });
        }}
      >
        <Point points={points} point={point} />
        <WhatFields key={point.backup_id} point={point} whole={target === undefined} />
        <WhereTo to={to} known={known} />
        {target ? <TargetFields key={target.kind} target={target} known={known} vm={vm} /> : null}
        {target ? (
          <div class="act-buttons">
            <button type="submit" class="button primary" aria-disabled={previewed.value?.state === 'asking'}>
              {previewed.value?.state === 'asking' ? 'Looking…' : 'Show what it would do'}
            </button>
          </div>
        ) : null}
      </form>
      {target ? (
        <Preview previewed={previewed.value} target={target} />
      ) : (
        <BootForm key={point.backup_id} point={point} severalVms={severalVms} />
      )}
    </>
  );
}

/** In the address, so that it is there again after a reload, and on the way back. */
function keepTyped({ target }: Event): void {
  if (target instanceof HTMLInputElement && target.type !== 'checkbox' && target.name.startsWith('to.'))
    setQuery({ [target.name]: target.value });
}

async function preview(
  form: HTMLFormElement,
  previewed: Signal<Previewed | null>,
  wanted: { readonly target: Target; readonly point: RestorePointOutput; readonly severalVms: boolean },
): Promise<void> {
  if (previewed.value?.state === 'asking') return;
  const asking: Previewed = { state: 'asking' };
  previewed.value = asking;
  const answer = await askPreview(new FormData(form), wanted);
  // What was changed meanwhile has to be looked at again.
  if (previewed.peek() === asking) previewed.value = answer;
}

const Point = ({
  points,
  point,
}: {
  readonly points: readonly RestorePointOutput[];
  readonly point: RestorePointOutput;
}): JSX.Element => (
  <fieldset class="part">
    <legend>From when</legend>
    <label class="field">
      <span>Restore point</span>
      <select
        class="input"
        value={point.backup_id}
        onChange={(event) => setQuery({ point: event.currentTarget.value })}
      >
        {points.map((one) => (
          <option key={`${one.repository} ${one.backup_id}`} value={one.backup_id}>
            {pointText(one)}
          </option>
        ))}
      </select>
    </label>
    {point.broken ? (
      <p class="soft">This one is damaged: {plain(point.broken.reason)}. Choose another one, if you can.</p>
    ) : null}
  </fieldset>
);

const pointText = ({ created, kind, repository, broken, kept }: RestorePointOutput): string =>
  [
    formatTime(created),
    kind,
    plain(repository),
    ...(broken ? ['damaged'] : []),
    ...(kept ? ['kept from a VM that ran'] : []),
  ].join(', ');

const WhereTo = ({ to, known }: { readonly to: string; readonly known: HubRestoreTargets }): JSX.Element => (
  <fieldset class="part">
    <legend>Where to</legend>
    <ul class="places">
      <Choice
        kind={atOnce}
        title="Run it at once, on the hub"
        text="In seconds, from the files of the repository. What its guest writes goes to a folder of its own; nothing else changes."
        chosen={to === atOnce}
        missing={null}
      />
      {targets.map(({ kind, title, text, missing }) => (
        <Choice key={kind} kind={kind} title={title} text={text} chosen={to === kind} missing={missing(known)} />
      ))}
    </ul>
  </fieldset>
);

interface ChoiceProps {
  readonly kind: string;
  readonly title: string;
  readonly text: string;
  readonly chosen: boolean;
  /** Why it cannot be chosen; null: it can. */
  readonly missing: string | null;
}

const Choice = ({ kind, title, text, chosen, missing }: ChoiceProps): JSX.Element => (
  <li>
    <label class={missing === null ? '' : 'closed'}>
      <input
        type="radio"
        name="target"
        value={kind}
        checked={chosen}
        disabled={missing !== null}
        onChange={() => setQuery({ to: kind })}
      />
      <span>
        <strong>{title}</strong>
        <span class="soft">
          <Advice of={missing ?? text} />
        </span>
      </span>
    </label>
  </li>
);
