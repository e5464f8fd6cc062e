import type { JSX } from 'preact';
import type { HubVm, HubVms } from '../../../schemas/types.ts';
import { usePages } from '../../client/pages.ts';
import { Choices, Find } from '../../design/narrowing.tsx';
import { Empty } from '../../design/notice.tsx';
import { Table } from '../../design/table.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import { place, setQuery } from '../../shell/router.ts';
import { sortingHere } from '../../shell/sorting.ts';
import { useTitle } from '../../shell/titled.ts';
import { vmColumns } from './vm-columns.tsx';

/** What the list can be narrowed to. */
const choices = [
  { value: '', word: 'All', fits: () => true },
  { value: 'wrong', word: 'Needs you', fits: ({ state }: HubVm) => state !== 'protected' && state !== 'unplanned' },
  { value: 'protected', word: 'Protected', fits: ({ state }: HubVm) => state === 'protected' },
  { value: 'unplanned', word: 'No plan', fits: ({ state }: HubVm) => state === 'unplanned' },
] as const;

/** All VMs, and how well they are protected. */
export function VmsScreen(): JSX.Element {
  useTitle('VMs');
  const { query } = place.value;
  const [state, sought] = [query.get('state') ?? '', query.get('find') ?? ''];
  const list = usePages<HubVms>('/api/v1/vms?limit=300', { topics: ['status'], everyMs: 5000, first: 40 });
  const vms = list.pages.value?.flatMap((page) => page.vms);
  const wanted = sought.toLowerCase();
  const { fits } = choices.find(({ value }) => value === state) ?? choices[0];
  const shown = (vms ?? []).filter(
    (vm) => fits(vm) && [vm.vm, ...vm.plans].some((name) => name.toLowerCase().includes(wanted)),
  );
  return (
    <>
      <header class="page-head">
        <h1>VMs</h1>
        <div class="table-tools">
          <Choices
            label="How they are protected"
            choices={choices}
            value={state}
            onChoose={(value) => setQuery({ state: value })}
          />
          <Find label="Find a VM or plan" value={sought} onFind={(find) => setQuery({ find })} />
        </div>
      </header>
      <TroubleNotice of={list.trouble.value} />
      {vms === undefined ? null : vms.length === 0 ? (
        <NoVms />
      ) : shown.length === 0 ? (
        <Empty title="No VM is like that.">
          <a href="/vms">Show all {vms.length} VMs</a>
        </Empty>
      ) : (
        <section aria-label="VMs">
          <Table caption="VMs" columns={vmColumns} rows={shown} keyOf={({ vm }) => vm} sorting={sortingHere('state')} />
          <p class="table-foot">
            {shown.length === vms.length ? vms.length : `${shown.length} of ${vms.length}`}{' '}
            {vms.length === 1 ? 'VM' : 'VMs'}
          </p>
        </section>
      )}
    </>
  );
}

const NoVms = (): JSX.Element => (
  <Empty title="No plan names a VM yet, and there is no restore point.">
    Write a plan: <code>sendense-run init</code> makes a first one, <code>sendense-run discover</code> finds the VMs of
    a source. It shows here after its first run, or as soon as the daemon watches its folder.
  </Empty>
);
