import type { JSX } from 'preact';
import type { HubGroup, HubProgress } from '../../../schemas/types.ts';
import { formatDuration } from '../../../view/format.ts';
import { useLive } from '../../client/live.ts';
import { runLook } from '../../design/looks.ts';
import { StatusMark, type Look } from '../../design/status-mark.tsx';
import { Table, type Column } from '../../design/table.tsx';
import { plain, Text } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import { narrowed, NarrowVms, type RowChoice } from '../../shell/narrowed.tsx';
import { ProgressLine } from '../run/progress-line.tsx';
import { overallText, type RunningProgress } from '../run/progress.ts';

type Member = HubGroup['members'][number];

/** A member with how far its run is. */
interface Row extends Member {
  readonly progress: RunningProgress | undefined;
}

const isBad = ({ run, waits }: Member): boolean =>
  !waits && run !== null && ['failed', 'crashed', 'cancelled'].includes(run.status);
const goesOn = ({ run, waits }: Member): boolean => !waits && run !== null && run.finished === null;

const choices: readonly RowChoice<Member>[] = [
  { value: '', word: 'All', fits: () => true },
  { value: 'failed', word: 'Failed', fits: isBad },
  { value: 'running', word: 'Running', fits: goesOn },
  { value: 'waiting', word: 'Waiting', fits: ({ waits }) => waits },
];

/** What needs somebody first, then what runs, what waits, and what is done. */
const rank = (member: Member): number =>
  isBad(member) ? 0 : goesOn(member) ? 1 : member.waits ? 2 : member.run === null ? 3 : 4;

function lookOf({ run, waits }: Member): Look {
  if (waits) return { shape: 'dot', tone: 'idle', word: 'waits' };
  return run === null ? { shape: 'ring', tone: 'warn', word: 'never ran' } : runLook(run.status, run.warnings);
}

const columns: readonly Column<Row>[] = [
  {
    id: 'vm',
    title: 'VM',
    cell: ({ vm, name }) => (
      <span>
        <a href={`/vms/${encodeURIComponent(vm)}`}>
          <Text of={vm} />
        </a>
        {name === vm ? null : (
          <span class="soft">
            {' '}
            <Text of={name} /> at its source
          </span>
        )}
      </span>
    ),
  },
  {
    id: 'state',
    title: 'Last run',
    cell: (member) =>
      member.run === null || member.waits ? (
        <StatusMark look={lookOf(member)} />
      ) : (
        <a href={`/runs/${encodeURIComponent(member.run.run_id)}`}>
          <StatusMark look={lookOf(member)} />
        </a>
      ),
  },
  { id: 'began', title: 'Began', cell: ({ run, waits }) => (waits ? '' : <Time at={run?.started} />) },
  {
    id: 'took',
    title: 'Took',
    numeric: true,
    cell: ({ run, waits }) => (run?.finished && !waits ? formatDuration(run.finished - run.started) : ''),
  },
  {
    id: 'progress',
    title: 'How far, or why not',
    wide: true,
    cell: ({ run, waits, progress }) =>
      progress ? (
        <ProgressLine of={progress} />
      ) : waits ? (
        <Before run={run} />
      ) : run?.error ? (
        <span class="run-error excerpt">{plain(run.error.message)}</span>
      ) : (
        ''
      ),
  },
];

/** How it went before, of one that has its turn yet. */
const Before = ({ run }: { readonly run: Member['run'] }): JSX.Element =>
  run === null ? (
    <span class="soft">never ran</span>
  ) : (
    <span>
      <span class="soft">before:</span> {runLook(run.status, run.warnings).word}, <Time at={run.started} />
    </span>
  );

/** The VMs of a group: how far it is with them, or how the last run of each went. */
export function Members({ plan }: { readonly plan: string }): JSX.Element {
  const live = useLive<HubGroup>(`/api/v1/groups/${encodeURIComponent(plan)}`, {
    everyMs: 3000,
    busy: ({ running }) => running,
  });
  const data = live.data.value;
  const path = data?.running ? '/api/v1/progress' : null;
  const runs = useLive<HubProgress>(path, { topics: ['progress'], everyMs: 1000 }).data.value?.runs ?? [];
  const rows = narrowed(data?.members ?? [], choices, ({ vm, name }) => `${vm} ${name}`)
    .toSorted((a, b) => rank(a) - rank(b))
    .map((member): Row => ({ ...member, progress: goesOn(member) ? progressOf(runs, member) : undefined }));
  return (
    <section class="block" aria-labelledby="members">
      <h2 id="members">Its VMs{data && data.members.length > 0 ? ` (${data.members.length})` : ''}</h2>
      <TroubleNotice of={live.trouble.value} />
      {data ? <p>{sentenceOf(data, runs)}</p> : null}
      {data && data.members.length > 0 ? (
        <>
          <NarrowVms choices={choices} />
          {rows.length === 0 ? (
            <p class="soft">No VM is like that.</p>
          ) : (
            <Table caption="VMs of the group" columns={columns} rows={rows} keyOf={({ plan: own }) => own} />
          )}
        </>
      ) : null}
    </section>
  );
}

const progressOf = (runs: readonly RunningProgress[], { run }: Member): RunningProgress | undefined =>
  runs.find(({ run_id: id }) => id === run?.run_id);

/** `38 of 300, 2 failed, 12 min left` */
function sentenceOf({ run_id: id, running, members }: HubGroup, runs: readonly RunningProgress[]): string {
  if (id === null) return 'The first run finds out which VMs belong to it. Look shows them before.';
  const overall = runs.find(({ run_id: own }) => own === id)?.overall;
  if (running && overall) return `It runs now: ${overallText(overall)}.`;
  const failed = members.filter(isBad).length;
  const done = members.filter(({ run, waits }) => !waits && run?.status === 'succeeded').length;
  const counted = `${done} of ${members.length} succeeded${failed > 0 ? `, ${failed} failed` : ''}`;
  return running ? `It runs now: ${counted}.` : `The last run of each: ${counted}.`;
}
