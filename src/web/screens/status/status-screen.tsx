import './status.css';
import type { JSX } from 'preact';
import type { HubStatus, HubVm } from '../../../schemas/types.ts';
import { useLive } from '../../client/live.ts';
import { vmLooks } from '../../design/looks.ts';
import { absolute, dayName, now, relative } from '../../design/moment.ts';
import { StatusMark } from '../../design/status-mark.tsx';
import { Text } from '../../design/text.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import { useTitle } from '../../shell/titled.ts';
import { DayGrid, useVmDays } from './day-grid.tsx';
import { RunningNow } from './running-now.tsx';
import { Wrongs } from './wrongs.tsx';

/** What is wrong now, in words; what runs; and a grid of VMs and days. */
export function StatusScreen(): JSX.Element {
  const status = useLive<HubStatus>('/api/v1/status', { topics: ['status'], everyMs: 2000 });
  // Asked at the same time: it takes as long.
  const days = useVmDays();
  const data = status.data.value;
  useTitle(data && data.wrong_total > 0 ? `(${data.wrong_total}) Status` : 'Status');
  return (
    <>
      <TroubleNotice of={status.trouble.value} />
      {data ? (
        <>
          <Hero data={data} />
          <Wrongs wrong={data.wrong} total={data.wrong_total} />
          <RunningNow runs={data.status.runs} />
          <DayGrid list={days} />
        </>
      ) : (
        <h1 class="only-read">Status</h1>
      )}
    </>
  );
}

function Hero({ data }: { readonly data: HubStatus }): JSX.Element {
  return (
    <header class="hero">
      <p class="day">
        {dayName(now.value)}, {absolute(now.value, now.value)}
      </p>
      <h1>{data.sentence}</h1>
      <Tally vms={data.vms} />
      <p class="next">{data.next ? <Next next={data.next} /> : 'No schedule will begin a run.'}</p>
    </header>
  );
}

const Next = ({ next }: { readonly next: NonNullable<HubStatus['next']> }): JSX.Element => (
  <>
    <Text of={next.plan} /> begins {relative(next.begins, now.value)}, {absolute(next.begins, now.value)}.
  </>
);

const tallied = [
  'failing',
  'never',
  'late',
  'clock',
  'paused',
  'protected',
] as const satisfies readonly HubVm['state'][];

/** How many VMs are in each state: a bar, and the same in words. */
function Tally({ vms }: { readonly vms: HubStatus['vms'] }): JSX.Element | null {
  if (vms.total + vms.unplanned === 0) return null;
  const states = tallied.filter((state) => vms[state] > 0);
  return (
    <>
      <div class="tally" aria-hidden="true">
        {states.map((state) => (
          <span key={state} class={`tone-${vmLooks[state].tone}`} style={{ flexGrow: String(vms[state]) }} />
        ))}
      </div>
      <ul class="tally-words">
        {[...states, ...(vms.unplanned > 0 ? (['unplanned'] as const) : [])].map((state) => (
          <li key={state}>
            <StatusMark look={{ ...vmLooks[state], word: `${vms[state]} ${vmLooks[state].word}` }} />
          </li>
        ))}
      </ul>
    </>
  );
}
