import './day-grid.css';
import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { HubVm, HubVms } from '../../../schemas/types.ts';
import { usePages, type Pages } from '../../client/pages.ts';
import { formatAge } from '../../../view/format-age.ts';
import { severity, vmLooks } from '../../design/looks.ts';
import { exact, now } from '../../design/moment.ts';
import { Empty } from '../../design/notice.tsx';
import { StatusMark } from '../../design/status-mark.tsx';
import { plain } from '../../design/text.tsx';
import { linkTo } from '../../shell/links.ts';
import { wide } from '../../shell/wide.ts';
import { dayAfter } from './days.ts';
import { DayLegend, DayScale, DayStrip } from './day-strip.tsx';

const daysByWidth = [12, 30, 60] as const;
/** Rows that are shown at first. */
const fewRows = 50;

/** The VMs with their days. */
export const useVmDays = (): Pages<HubVms> =>
  usePages<HubVms>(`/api/v1/vms?days=60&limit=300&offset=${-new Date().getTimezoneOffset()}`, {
    topics: ['status'],
    everyMs: 10_000,
    first: 10,
  });

/** VMs and days: what went well, what did not, where there is nothing. What needs somebody comes first. */
export function DayGrid({ list }: { readonly list: Pages<HubVms> }): JSX.Element | null {
  const sought = useSignal('');
  const all = useSignal(false);
  const pages = list.pages.value;
  if (!pages) return null;
  const vms = pages.flatMap((page) => page.vms);
  const wanted = sought.value.toLowerCase();
  const fitting = vms
    .filter(({ vm }) => vm.toLowerCase().includes(wanted))
    .toSorted((a, b) => severity.indexOf(a.state) - severity.indexOf(b.state));
  const shown = all.value ? fitting : fitting.slice(0, fewRows);
  const days = daysByWidth[wide.value];
  return (
    <section class="block" aria-labelledby="grid">
      <div class="block-head">
        <h2 id="grid">The last {days} days</h2>
        {vms.length > 12 ? (
          <input
            class="input small"
            type="search"
            placeholder="Find a VM"
            aria-label="Find a VM"
            value={sought.value}
            onInput={(event) => (sought.value = event.currentTarget.value)}
          />
        ) : null}
      </div>
      {vms.length === 0 ? (
        <Empty title="No plan names a VM yet, and there is no restore point.">
          Write a plan: <code>sendense-run init</code> makes a first one, <code>sendense-run discover</code> finds the
          VMs of a source. It shows here after its first run, or as soon as the daemon watches its folder.
        </Empty>
      ) : (
        <>
          <DayLegend />
          <Grid vms={shown} days={days} first={pages[0]?.first_day ?? ''} />
        </>
      )}
      {shown.length < fitting.length ? (
        <p>
          <button type="button" class="button small" onClick={() => (all.value = true)}>
            Show all {fitting.length} VMs
          </button>
        </p>
      ) : null}
      {fitting.length === 0 && vms.length > 0 ? <p class="soft">No VM has that in its name.</p> : null}
    </section>
  );
}

interface GridProps {
  readonly vms: readonly HubVm[];
  readonly days: number;
  /** The oldest day of what the hub answered. */
  readonly first: string;
}

function Grid({ vms, days, first }: GridProps): JSX.Element {
  const begin = dayAfter(first, Math.max(0, (vms[0]?.days?.length ?? days) - days));
  return (
    <table class="grid-table">
      <thead>
        <tr>
          <th scope="col">VM</th>
          <th scope="col">
            <span class="only-read">Days</span>
            <DayScale days={days} first={begin} />
          </th>
          <th scope="col" class="age">
            Newest
          </th>
        </tr>
      </thead>
      <tbody>
        {vms.map((vm) => (
          <tr key={vm.vm}>
            <th scope="row">
              <span>
                <StatusMark look={vmLooks[vm.state]} bare />
                <a href={linkTo('vm', vm.vm)?.to} title={plain(vm.vm)}>
                  <bdi>{plain(vm.vm)}</bdi>
                </a>
              </span>
            </th>
            <td>
              <DayStrip vm={vm.vm} days={(vm.days ?? '').slice(-days)} first={begin} />
            </td>
            <td class="age soft">
              {vm.age_ms === null ? (
                'never'
              ) : (
                <time dateTime={new Date(now.value - vm.age_ms).toISOString()} title={exact(now.value - vm.age_ms)}>
                  {formatAge(vm.age_ms)}
                </time>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
