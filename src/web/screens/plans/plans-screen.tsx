import type { JSX } from 'preact';
import type { HubPlan, HubPlanFiles, HubPlans } from '../../../schemas/types.ts';
import { subjectOf } from '../../../view/format.ts';
import { useLive } from '../../client/live.ts';
import { usePages } from '../../client/pages.ts';
import { may } from '../../client/session.ts';
import { planLooks } from '../../design/looks.ts';
import { Empty } from '../../design/notice.tsx';
import { StatusMark } from '../../design/status-mark.tsx';
import { Table, type Column } from '../../design/table.tsx';
import { plain } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import { place, setQuery } from '../../shell/router.ts';
import { useTitle } from '../../shell/titled.ts';
import { planLook } from './plan-state.ts';

/** A plan that the hub knows, a file of a plan that it has only seen, or both. */
interface Row {
  readonly name: string;
  readonly plan: HubPlan | null;
  readonly file: HubPlanFiles['files'][number] | null;
}

/** A hub has some hundreds of plans. */
const pagesAtFirst = 10;

const placeOf = ({ name, plan, file }: Row): string =>
  plan === null && file ? `/plan-files/${encodeURIComponent(file.file)}` : `/plans/${encodeURIComponent(name)}`;

const lookOf = ({ plan, file }: Row) => (file?.valid === false ? planLooks.invalid : planLook(plan));

const columns: readonly Column<Row>[] = [
  {
    id: 'plan',
    title: 'Plan',
    cell: (row) =>
      row.plan === null && row.file?.link ? plain(row.name) : <a href={placeOf(row)}>{plain(row.name)}</a>,
    sortBy: ({ name }) => name,
  },
  {
    id: 'state',
    title: 'How it goes',
    cell: (row) => <StatusMark look={lookOf(row)} />,
    sortBy: (row) => lookOf(row).word,
  },
  {
    id: 'next',
    title: 'Next run',
    cell: ({ plan }) => <Time at={plan?.schedule?.next} none="not scheduled" />,
    sortBy: ({ plan }) => plan?.schedule?.next ?? null,
  },
  {
    id: 'last',
    title: 'Last success',
    cell: ({ plan }) => <Time at={plan?.health?.last_success} />,
    sortBy: ({ plan }) => plan?.health?.last_success ?? null,
  },
  {
    id: 'what',
    title: 'What it does',
    cell: ({ plan, file }) =>
      plan?.kind ? plain(subjectOf({ kind: plan.kind, vm: plan.vm ?? '*' })) : plain(file?.kind ?? ''),
    sortBy: ({ plan, file }) => plan?.kind ?? file?.kind ?? null,
  },
  {
    id: 'problem',
    title: 'What is wrong',
    wide: true,
    cell: ({ plan, file }) => {
      const text = file?.problem ?? plan?.schedule?.error?.message ?? plan?.health?.error?.message ?? '';
      return text === '' ? '' : <span class="run-error excerpt">{plain(text)}</span>;
    },
  },
];

/** Plans by name, and files of plans that the hub does not know yet. */
function rowsOf(plans: readonly HubPlan[], { files, folder }: Pick<HubPlanFiles, 'files' | 'folder'>): Row[] {
  const byPlace = new Map(files.map((file) => [`${folder}/${file.file}`, file]));
  const known = plans.map((plan): Row => {
    const file = byPlace.get(plan.file) ?? null;
    byPlace.delete(plan.file);
    return { name: plan.plan, plan, file };
  });
  return [...known, ...[...byPlace.values()].map((file): Row => ({ name: file.plan ?? file.file, plan: null, file }))];
}

/** All plans: whether each is valid, when it runs next, how it went. */
export function PlansScreen(): JSX.Element {
  useTitle('Plans');
  const list = usePages<HubPlans>('/api/v1/plans?limit=200', { topics: ['status'], first: pagesAtFirst });
  const files = useLive<HubPlanFiles>(may('plan') ? '/api/v1/plan-files' : null, { topics: ['status'] }).data.value;
  const { query } = place.value;
  const pages = list.pages.value;
  const rows = rowsOf(pages?.flatMap(({ plans }) => plans) ?? [], files ?? { files: [], folder: '' });
  const sort = query.get('sort') ?? 'plan';
  return (
    <>
      <header>
        <div class="page-head">
          <h1>Plans</h1>
          {files?.editable ? (
            <a class="button" href="/plan-files">
              New plan
            </a>
          ) : null}
        </div>
      </header>
      <TroubleNotice of={list.trouble.value} />
      {pages === undefined ? null : rows.length === 0 ? (
        <Empty title="The hub knows no plan yet.">
          On the hub, <code>sendense-run discover SOURCE --write-plan VM</code> writes one. The hub knows a plan once it
          ran or is scheduled.
        </Empty>
      ) : (
        <section aria-label="Plans">
          <Table
            caption="Plans"
            columns={columns}
            rows={rows}
            keyOf={({ name, file }) => `${name} ${file?.file ?? ''}`}
            sorting={{
              by: sort.replace(/^-/, ''),
              down: sort.startsWith('-'),
              onSort: (by, down) => setQuery({ sort: `${down ? '-' : ''}${by}` }),
            }}
          />
        </section>
      )}
    </>
  );
}
