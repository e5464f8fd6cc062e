import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { HubRestoreRequest, PlannedEffect, PlanOutput, RunStartedOutput } from '../../../schemas/types.ts';
import { ask, newRepeatKey, type Trouble } from '../../client/ask.ts';
import { ActDialog } from '../../design/act-dialog.tsx';
import { exact } from '../../design/moment.ts';
import { ErrorNotice, Notice } from '../../design/notice.tsx';
import { plain, Text, told } from '../../design/text.tsx';
import { go } from '../../shell/router.ts';
import type { Target } from './targets.ts';

/** What is known of a restore before it is asked for. */
export type Previewed =
  | { readonly state: 'asking' }
  | { readonly state: 'incomplete'; readonly what: string }
  | { readonly state: 'refused'; readonly trouble: Trouble }
  | {
      readonly state: 'shown';
      readonly request: HubRestoreRequest;
      /** When the restore point was made, ms since the epoch. */
      readonly created: number;
      readonly plan: PlanOutput;
    };

/** What a restore would do, and the place to ask for it. */
export function Preview({
  previewed,
  target,
}: {
  readonly previewed: Previewed | null;
  readonly target: Target;
}): JSX.Element | null {
  if (previewed === null) return null;
  if (previewed.state === 'asking') return <p role="status">The hub looks at what it would do. It writes nothing.</p>;
  if (previewed.state === 'refused') return <ErrorNotice error={previewed.trouble} alert />;
  if (previewed.state === 'incomplete')
    return (
      <Notice tone="warn" alert>
        <span>{previewed.what}</span>
      </Notice>
    );
  return <Shown of={previewed} target={target} />;
}

interface ShownProps {
  readonly of: Extract<Previewed, { readonly state: 'shown' }>;
  readonly target: Target;
}

function Shown({ of: { request, created, plan }, target }: ShownProps): JSX.Element {
  const open = useSignal('');
  return (
    <section class="block" aria-labelledby="would">
      <h2 id="would">What it would do</h2>
      <p class="soft" role="status">
        {plan.steps.length} steps. Nothing is written yet.
      </p>
      <ol class="would">
        {plan.steps.map((step) => (
          <li key={step.id}>
            <span>
              {plain(step.title)}{' '}
              {runsWords[step.runs] === '' ? null : <span class="soft">{runsWords[step.runs]}</span>}
            </span>
            {step.effects.length + step.notes.length + step.unknown.length === 0 ? null : (
              <ul>
                {step.effects.map((effect, index) => (
                  <Effect key={index} effect={effect} />
                ))}
                {step.notes.map((note) => (
                  <li key={note}>{told(note)}</li>
                ))}
                {step.unknown.map((text) => (
                  <li key={text} class="soft">
                    known later: {told(text)}
                  </li>
                ))}
              </ul>
            )}
          </li>
        ))}
      </ol>
      <div class="act-buttons">
        <button type="button" class="button primary" onClick={() => (open.value = newRepeatKey())}>
          Restore
        </button>
      </div>
      {open.value === '' ? null : (
        <ActDialog<RunStartedOutput>
          title={`Restore ${plain(request.vm)}?`}
          act="Restore"
          destroys={target.overwrites !== undefined}
          onClose={() => (open.value = '')}
          onAct={() =>
            ask('/api/v1/restores', { method: 'POST', body: request, repeatKey: open.value, patienceMs: 60_000 })
          }
          onDone={({ run_id: id }) => go(`/runs/${encodeURIComponent(id)}`)}
        >
          <p>
            Of the restore point of <strong>{exact(created)}</strong>{' '}
            <code class="soft">{plain(request.point ?? '')}</code>
          </p>
          <p>{target.title}</p>
          <ul class="plain-list">
            {wordsOf(request, target).map((words) => (
              <li key={words}>
                <Text of={words} />
              </li>
            ))}
          </ul>
          {target.overwrites ? <Overwrites vm={request.vm} means={target.overwrites(request.to)} /> : null}
        </ActDialog>
      )}
    </section>
  );
}

/** What is overwritten is typed, so that it is the VM that was meant. */
const Overwrites = ({ vm, means }: { readonly vm: string; readonly means: readonly string[] }): JSX.Element => (
  <>
    <ul class="plain-list">
      {means.map((text) => (
        <li key={text}>{text}</li>
      ))}
    </ul>
    <label class="field">
      <span>
        To write over its disks, type the name of the VM: <strong>{plain(vm)}</strong>
      </span>
      <input
        class="input"
        name="typed"
        required
        spellcheck={false}
        autocomplete="off"
        onInput={({ currentTarget: input }) =>
          // A name with characters that nobody can type is typed as it is shown.
          input.setCustomValidity(
            [vm, plain(vm)].includes(input.value.trim()) ? '' : `Type ${plain(vm)}, the name of the VM.`,
          )
        }
      />
    </label>
  </>
);

const runsWords = { yes: '', no: 'skipped', maybe: 'only if its condition holds' } as const;

const actions: Readonly<Record<PlannedEffect['action'], string>> = {
  run: 'runs',
  create: 'makes',
  change: 'changes',
  remove: 'removes',
  lease: 'leases',
  insert: 'writes rows in',
  read: 'reads',
  send: 'calls',
};

const Effect = ({ effect: { action, target, detail } }: { readonly effect: PlannedEffect }): JSX.Element => (
  <li>
    <span class="soft">{actions[action]}</span> <Text of={target} />
    {detail === '' ? null : <span class="soft">: {told(detail)}</span>}
  </li>
);

/** What was chosen, as the form calls it. */
function wordsOf({ to, disks }: HubRestoreRequest, { fields }: Target): string[] {
  const chosen = Object.entries(to).map(([name, value]) => {
    const label = fields.find((field) => field.name === name)?.label ?? name;
    return value === true ? label : `${label}: ${value === false ? 'no' : String(value)}`;
  });
  return disks ? [...chosen, `disks ${disks.join(', ')} only`] : chosen;
}
