import { cursorOf, pageQuery, pageRequest, type PageRules } from '../../api/paging.ts';
import type { Call } from '../../api/route.ts';
import { word, wordOf, words, wordsOf } from '../../api/words.ts';
import { planKinds } from '../../plan/diagnostics/schema-node.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { HubRunLog, HubRuns, ShowRunOutput } from '../../schemas/types.ts';
import type { RunsTable } from '../../state/database/tables.ts';
import { limit, moment, numberOf } from '../../api/numbers.ts';
import { seesOf, shared } from './list-answer.ts';
import { defineRoute, type HubParts } from './route.ts';

const pages: PageRules = { usual: 100, most: 200, place: ['number', 'text'] };

/** Of plans, and of what keeps a repository in order. */
const runKinds: readonly string[] = [...planKinds(), 'care'];

const statuses: readonly RunsTable['status'][] = [
  'running',
  'unwinding',
  'succeeded',
  'failed',
  'cancelled',
  'crashed',
];

export const runParams = { id: { description: 'Id of the run.', schema: 'domain.json#/$defs/runId', logAs: 'run' } };

export const listRuns = defineRoute({
  id: 'listRuns',
  method: 'GET',
  path: '/api/v1/runs',
  tag: 'runs',
  right: 'look',
  vms: 'heeded',
  summary: 'Runs, newest first',
  query: {
    status: words('Only these, with commas between them.', statuses),
    kind: word('Only of plans of this kind; `care`: what keeps a repository in order.', runKinds),
    plan: { description: 'Only of this plan.' },
    vm: { description: 'Only about this VM; `*` is in plans about several.' },
    since: moment('Begun at that time or later'),
    before: moment('Begun before that time'),
    ...pageQuery(pages),
  },
  answers: { 200: { description: 'A page of them.', schema: 'hub/runs.json' } },
  errors: [],
  quiet: true,
  handle: async (call) =>
    shared(call, 'listRuns', (sees): HubRuns => {
      const { query, parts } = call;
      const { plan, vm } = query;
      const kind = wordOf(query, 'kind', runKinds);
      const filter = {
        kind,
        plan,
        vm,
        status: wordsOf(query, 'status', statuses),
        since: numberOf(query, 'since', undefined),
        before: numberOf(query, 'before', undefined),
        sees,
      };
      const page = pageRequest('runs', query, pages);
      const { entries, next } = parts.hub.pages.runs(filter, page);
      return { version: 1, runs: [...entries], next_cursor: cursorOf(next, page) };
    }),
});

export const showRun = defineRoute({
  id: 'showRun',
  method: 'GET',
  path: '/api/v1/runs/{id}',
  tag: 'runs',
  right: 'look',
  vms: 'heeded',
  summary: 'How a run went, step by step',
  description: 'The same as `sendense-run show RUN --json`.',
  params: runParams,
  answers: { 200: { description: 'The run.', schema: 'output/show-run.json' } },
  errors: ['run.unknown'],
  quiet: true,
  async handle(call): Promise<ShowRunOutput> {
    const id = knownRun(call);
    const shown = await call.parts.hub.showRun(id);
    if (!shown) throw unknownRun(id);
    return shown;
  },
});

const mostEvents = 1000;

export const readRunLog = defineRoute({
  id: 'readRunLog',
  method: 'GET',
  path: '/api/v1/runs/{id}/log',
  tag: 'runs',
  right: 'look',
  vms: 'heeded',
  summary: 'The log of a run, part by part',
  description:
    'Events, oldest first. Ask again with `after` = `next`: at once where `more` is true, else when something was added, until `ended` is true.',
  params: runParams,
  query: {
    after: { description: '`next` of the part before; default: from the beginning.' },
    limit: limit('Events', 500, mostEvents),
  },
  answers: { 200: { description: 'A part of the log.', schema: 'hub/run-log.json' } },
  errors: ['run.unknown', 'run.no-log'],
  quiet: true,
  async handle(call): Promise<HubRunLog> {
    const { query, parts } = call;
    const asked = { after: query['after'], limit: numberOf(query, 'limit', 500) };
    return parts.hub.pages.runLog(knownRun(call), asked);
  },
});

/** Id of a run that the caller may know of. @throws SendenseError `run.unknown` */
export function knownRun(call: Call<HubParts>): string {
  const id = call.params['id'] ?? '';
  const sees = seesOf(call);
  const vm = call.parts.hub.pages.factsOfRun(id)?.vm;
  if (vm === undefined || sees?.(vm) === false) throw unknownRun(id);
  return id;
}

const unknownRun = (id: string): SendenseError => new SendenseError('run.unknown', `there is no run ${id}`);
