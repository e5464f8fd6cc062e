import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { HubBackfill, SlotsOutput, TimetablePlan } from '../../../schemas/types.ts';
import { plural } from '../../../view/format.ts';
import { ask, newRepeatKey } from '../../client/ask.ts';
import { ActDialog } from '../../design/act-dialog.tsx';
import { Dialog } from '../../design/dialog.tsx';
import { plain } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';

const dayMs = 86_400_000;
/** Slots that are listed; the others are counted. */
const fewSlots = 20;
/** The hub reads the plan and its slots in a process of its own. */
const patienceMs = 60_000;

/** As a field for a time of the reader's zone has it: `2026-11-24T08:30`. */
const fieldTime = (at: number): string =>
  new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

interface Wanted {
  readonly span: HubBackfill;
  readonly slots: SlotsOutput['slots'];
  readonly key: string;
}

/** Runs slots of the past that no run was for: first which, then the question. */
export function Backfill({ plan, onDone }: { readonly plan: TimetablePlan; onDone(): void }): JSX.Element {
  const open = useSignal(false);
  const wanted = useSignal<Wanted | null>(null);
  const name = plain(plan.plan);
  return (
    <>
      <button type="button" class="button small" aria-label={`Backfill ${name}`} onClick={() => (open.value = true)}>
        Backfill
      </button>
      {open.value ? (
        <Span plan={plan.plan} onClose={() => (open.value = false)} onFound={(found) => (wanted.value = found)} />
      ) : null}
      {wanted.value ? (
        <Slots plan={plan.plan} wanted={wanted.value} onClose={() => (wanted.value = null)} onDone={onDone} />
      ) : null}
    </>
  );
}

interface SpanProps {
  readonly plan: string;
  onClose(): void;
  onFound(wanted: Wanted): void;
}

function Span({ plan, onClose, onFound }: SpanProps): JSX.Element {
  const asked = useSignal<HubBackfill>({ from: 0 });
  const now = Date.now();
  return (
    <ActDialog<SlotsOutput>
      title={`Backfill ${plain(plan)}`}
      act="Show which"
      onClose={onClose}
      onAct={(form) => {
        asked.value = {
          from: new Date(String(form.get('from'))).getTime(),
          to: new Date(String(form.get('to'))).getTime(),
          ...(form.get('latest') === null ? {} : { latest: true }),
        };
        const body: HubBackfill = { ...asked.value, dry_run: true };
        return ask(`${placeOf(plan)}`, { method: 'POST', body, patienceMs });
      }}
      onDone={({ slots }) => onFound({ span: asked.value, slots, key: newRepeatKey() })}
    >
      <p class="soft">Slots of the past that no run was for are run now, one after another.</p>
      <label class="field">
        <span>From</span>
        <input class="input" type="datetime-local" name="from" defaultValue={fieldTime(now - 7 * dayMs)} required />
      </label>
      <label class="field">
        <span>To</span>
        <input class="input" type="datetime-local" name="to" defaultValue={fieldTime(now)} required />
      </label>
      <label class="check">
        <input type="checkbox" name="latest" /> Only the newest of them
      </label>
    </ActDialog>
  );
}

interface SlotsProps {
  readonly plan: string;
  readonly wanted: Wanted;
  onClose(): void;
  onDone(): void;
}

function Slots({ plan, wanted: { span, slots, key }, onClose, onDone }: SlotsProps): JSX.Element {
  if (slots.length === 0)
    return (
      <Dialog title="There is nothing to backfill." onClose={onClose}>
        <div class="act-form">
          <p class="soft">A run was for each slot of {plain(plan)} in that time.</p>
          <div class="act-buttons">
            <button type="button" class="button" onClick={onClose}>
              Close
            </button>
          </div>
        </div>
      </Dialog>
    );
  return (
    <ActDialog<SlotsOutput>
      title={`Run ${plural(slots.length, 'slot')} of ${plain(plan)}?`}
      act="Run"
      onClose={onClose}
      onAct={() => ask(placeOf(plan), { method: 'POST', body: span, repeatKey: key, patienceMs })}
      onDone={onDone}
    >
      <ul class="plain-list">
        {slots.slice(0, fewSlots).map(({ slot }) => (
          <li key={slot}>
            <Time at={slot} />
          </li>
        ))}
        {slots.length > fewSlots ? <li class="soft">and {slots.length - fewSlots} more</li> : null}
      </ul>
      <p class="soft">Runs shows them as they begin.</p>
    </ActDialog>
  );
}

const placeOf = (plan: string): string => `/api/v1/schedules/${encodeURIComponent(plan)}/backfill`;
