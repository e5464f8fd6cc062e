import { join } from 'node:path';
import { cursorOf, pageOf, pageQuery, pageRequest, type PageRules } from '../../../api/paging.ts';
import type { Call } from '../../../api/route.ts';
import { SendenseError } from '../../../errors/sendense-error.ts';
import type {
  DiscoverOutput,
  HubDiscoveredVm,
  HubDiscoverRequest,
  HubDiscovery,
  HubPlanProposal,
  HubSourcePlanRequest,
  HubSources,
  HubSourceVms,
} from '../../../schemas/types.ts';
import { parseDocument, valueOf } from '../../../plan/yaml/parse-document.ts';
import type { Inquiry } from '../../acts/inquiries.ts';
import { inquired } from '../inquired.ts';
import { defineRoute, type HubParts } from '../route.ts';
import { askerOf } from '../asker.ts';
import { sourceErrors } from './source-errors.ts';

export const sourceParams = { name: { description: 'Name of the source.', logAs: 'source' } } as const;
const pages: PageRules = { usual: 100, most: 300, place: ['number'] };

export const listSources = defineRoute({
  id: 'listSources',
  method: 'GET',
  path: '/api/v1/sources',
  tag: 'sources',
  right: 'look',
  summary: 'Sources of VMs in sendense.yaml',
  answers: { 200: { description: 'The sources, without secrets.', schema: 'hub/sources.json' } },
  errors: [],
  quiet: true,
  handle: async ({ parts: { hub } }): Promise<HubSources> => ({
    version: 1,
    sources: Object.entries(hub.settings.sources).map(([source, { type }]) => ({ source, type })),
    nodes: ['local', ...hub.nodes.list().nodes.flatMap(({ name, state }) => (state === 'connected' ? [name] : []))],
  }),
});

export const discoverSource = defineRoute<HubDiscoverRequest>({
  id: 'discoverSource',
  method: 'POST',
  path: '/api/v1/sources/{name}/discover',
  tag: 'sources',
  right: 'operate',
  summary: 'Ask a source for its VMs',
  description:
    'As `sendense-run discover`. `Location` leads to the answer. A question that goes on is not asked again.',
  params: sourceParams,
  body: { schema: 'hub/discover-start.json', bytes: 4096 },
  logOf: ({ node = 'local' }) => ({ node }),
  answers: { 202: { description: 'It is being asked.', schema: 'hub/discovery.json' } },
  errors: ['source.missing', 'node.limited'],
  async handle(call): Promise<HubDiscovery> {
    const source = knownSource(call);
    const { node = 'local' } = call.body;
    const begun = call.parts.inquiries.begin({
      kind: 'discover',
      about: source,
      words: ['discover', `--node=${node}`, '--', source],
      caller: call.caller,
      reduce: (output) => output,
    });
    call.answer.status(202);
    call.answer.header('location', `/api/v1/sources/${encodeURIComponent(source)}/discovery`);
    return discoveryOf(source, begun, []);
  },
});

export const sourceVms = defineRoute<HubSourceVms>({
  id: 'sourceVms',
  method: 'POST',
  path: '/api/v1/sources/{name}/vms',
  tag: 'sources',
  right: 'operate',
  summary: 'VMs of a source, with disks, snapshots and findings',
  description: 'As `sendense-run discover`. The answer comes when the node has answered.',
  params: sourceParams,
  changes: false,
  body: { schema: 'hub/source-vms.json', bytes: 4096 },
  answers: { 200: { description: 'The VMs.', schema: 'output/discover.json' } },
  errors: ['source.missing', 'node.unknown', 'usage', ...sourceErrors, 'run.crashed'],
  patient: true,
  async handle(call): Promise<DiscoverOutput> {
    const source = knownSource(call);
    const said = Object.entries(call.body).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}=${value}`],
    );
    return (await call.parts.askCommand(['discover', ...said, '--', source], askerOf(call))) as DiscoverOutput;
  },
});

export const showDiscovery = defineRoute({
  id: 'showDiscovery',
  method: 'GET',
  path: '/api/v1/sources/{name}/discovery',
  tag: 'sources',
  right: 'look',
  summary: 'VMs that a source had when it was asked last, and the plans that back them up',
  description: 'What this API has asked since the hub was started.',
  params: sourceParams,
  query: pageQuery(pages),
  answers: { 200: { description: 'A page of the VMs.', schema: 'hub/discovery.json' } },
  errors: ['source.missing'],
  quiet: true,
  async handle(call): Promise<HubDiscovery> {
    const source = knownSource(call);
    const inquiry = call.parts.inquiries.last('discover', source);
    const all = inquiry?.output ? call.parts.hub.pages.discovered(inquiry.output as DiscoverOutput) : [];
    const page = pageRequest(`discovery ${source}`, call.query, pages);
    const { limit, after } = page;
    const from = after === null ? 0 : Number(after[0]);
    const { entries, next } = pageOf(all.map((vm, place) => ({ vm, place })).slice(from), limit, ({ place }) => [
      place + 1,
    ]);
    return {
      ...discoveryOf(source, inquiry, all),
      vms: entries.map(({ vm }) => vm),
      next_cursor: cursorOf(next, page),
    };
  },
});

export const proposePlan = defineRoute<HubSourcePlanRequest>({
  id: 'proposePlan',
  method: 'POST',
  path: '/api/v1/sources/{name}/plan',
  tag: 'sources',
  right: 'operate',
  summary: 'A plan that would back up a VM of a source every night',
  description:
    'As `sendense-run discover SOURCE --vm VM --write-plan -`. Nothing is saved: `POST /api/v1/plan-files` saves it.',
  params: sourceParams,
  changes: false,
  body: { schema: 'hub/source-plan.json', bytes: 4096 },
  answers: { 200: { description: 'The plan.', schema: 'hub/plan-proposal.json' } },
  errors: ['source.missing', 'node.unknown', 'usage', 'vm.identity', ...sourceErrors, 'run.crashed'],
  patient: true,
  async handle(call): Promise<HubPlanProposal> {
    const source = knownSource(call);
    const { vm, node = 'local' } = call.body;
    // Its name must be free among the plans of the hub.
    const place = join(call.parts.hub.planFiles.folder, '-');
    const words = ['discover', `--node=${node}`, `--vm=${vm}`, `--write-plan=${place}`, '--', source];
    const { plan_text: text = '' } = (await call.parts.askCommand(words, askerOf(call))) as DiscoverOutput;
    const plan = valueOf(parseDocument({ file: '', text }).document) as { readonly name: string };
    return { version: 1, file: `${plan.name}.yaml`, text };
  },
});

/** @throws SendenseError `source.missing` */
export function knownSource({
  parts,
  params: { name = '' },
}: Pick<Call<HubParts, unknown>, 'parts' | 'params'>): string {
  const names = Object.keys(parts.hub.settings.sources);
  if (names.includes(name)) return name;
  throw new SendenseError(
    'source.missing',
    `sendense.yaml has no source ${name}; it has ${names.join(', ') || 'none'}`,
    {
      remedy: 'Name one of `sources` in sendense.yaml.',
      details: { field: 'name' },
    },
  );
}

function discoveryOf(source: string, inquiry: Inquiry | undefined, all: readonly HubDiscoveredVm[]): HubDiscovery {
  const output = (inquiry?.output ?? null) as DiscoverOutput | null;
  return {
    version: 1,
    source,
    ...inquired(inquiry),
    node: output?.node ?? null,
    total: all.length,
    unprotected: all.filter(({ plans, template }) => plans.length === 0 && !template).length,
    warnings: output?.warnings ?? [],
    vms: [],
    next_cursor: null,
  };
}
