import type { JSX } from 'preact';
import type { HubPlans, HubPrunePreview, TimetablePlan } from '../../../schemas/types.ts';
import { formatBytes } from '../../../view/format.ts';
import { useSignal } from '@preact/signals';
import { ask, type Trouble } from '../../client/ask.ts';
import { useInquiry } from '../../client/inquiry.ts';
import { usePages } from '../../client/pages.ts';
import { may } from '../../client/session.ts';
import { AskedWhen } from '../../design/asked-when.tsx';
import { ErrorNotice } from '../../design/notice.tsx';
import { Table, type Column } from '../../design/table.tsx';
import { plain, Text } from '../../design/text.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import { place, setQuery } from '../../shell/router.ts';

type Result = NonNullable<HubPrunePreview['result']>;

/** Kinds of plans that have a retention. */
const kinds: readonly TimetablePlan['kind'][] = ['prune', 'backup', 'incremental'];

/** What the retention of a plan would remove now, and how much that would free. */
export function PrunePreview({ repository }: { readonly repository: string }): JSX.Element | null {
  const list = usePages<HubPlans>('/api/v1/plans?limit=200', { everyMs: 60_000, first: 10 });
  const plans = (list.pages.value ?? [])
    .flatMap((page) => page.plans)
    .filter(({ kind, health }) => kinds.includes(kind) && (health === null || health.repository === repository))
    .toSorted((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind));
  const chosen = place.value.query.get('prune') ?? '';
  const path = chosen === '' ? null : `/api/v1/plans/${encodeURIComponent(chosen)}/prune-preview`;
  const live = useInquiry<HubPrunePreview>(path);
  const refused = useSignal<Trouble | undefined>(undefined);
  const data = path === null ? undefined : live.data.value;
  const begin = async (): Promise<void> => {
    if (path === null) return;
    const answer = await ask<HubPrunePreview>(path, { method: 'POST' });
    refused.value = answer.ok === false ? answer.trouble : undefined;
    live.again();
  };
  return (
    <section class="block" aria-labelledby="prune">
      <h2 id="prune">What a prune would free</h2>
      {plans.length === 0 && list.pages.value ? (
        <p class="soft">
          No plan that the hub knows prunes here. Write one of kind <code>prune</code>, or ask{' '}
          <code>sendense-run prune --keep-daily 7 --dry-run</code>.
        </p>
      ) : (
        <div class="table-tools">
          <label class="field">
            <span>By the retention of</span>
            <select class="input" value={chosen} onChange={(event) => setQuery({ prune: event.currentTarget.value })}>
              <option value="">Choose a plan</option>
              {plans.map(({ plan, kind }) => (
                <option key={plan} value={plan}>
                  {plain(plan)} ({kind})
                </option>
              ))}
            </select>
          </label>
          {may('operate') && path !== null ? (
            <button type="button" class="button" disabled={data?.state === 'running'} onClick={() => void begin()}>
              Work it out
            </button>
          ) : null}
        </div>
      )}
      <TroubleNotice of={refused.value ?? live.trouble.value} />
      {data ? <AskedWhen of={data} what="preview" /> : null}
      {data?.error ? <ErrorNotice error={data.error} /> : null}
      {data?.result ? <Freed result={data.result} /> : null}
    </section>
  );
}

const bytesOf = ({ at_least: least, at_most: most }: Result['freed']): string =>
  least === most ? formatBytes(least) : `${formatBytes(least)} to ${formatBytes(most)}`;

const columns: readonly Column<Result['vms'][number]>[] = [
  { id: 'vm', title: 'VM', cell: ({ vm }) => <Text of={vm} /> },
  { id: 'go', title: 'Go', numeric: true, cell: ({ go }) => String(go) },
  { id: 'stay', title: 'Stay', numeric: true, cell: ({ stay }) => String(stay) },
  { id: 'freed', title: 'Frees', numeric: true, cell: ({ freed }) => bytesOf(freed) },
  {
    id: 'remarks',
    title: 'Remarks',
    wide: true,
    cell: ({ error, remarks }) => plain([...(error === null ? [] : [error]), ...remarks].join(' ')),
  },
];

const Freed = ({ result }: { readonly result: Result }): JSX.Element => (
  <>
    <p class="forecast">
      {result.go === 0
        ? 'It would remove nothing.'
        : `It would remove ${result.go} of ${result.go + result.stay} restore points, and free ${bytesOf(result.freed)}.`}
    </p>
    {result.unmatched.length === 0 ? null : <p class="soft">No VM fits {result.unmatched.map(plain).join(', ')}.</p>}
    {result.vms.length === 0 ? null : (
      <Table caption="What would go" columns={columns} rows={result.vms} keyOf={({ vm }) => vm} />
    )}
    <p class="soft">Nothing was removed. The plan removes them when it runs.</p>
  </>
);
