import type { CheckOutput, HubCheck, HubCheckRequest } from '../../../schemas/types.ts';
import type { Inquiries, Inquiry } from '../../acts/inquiries.ts';
import type { FailedCheck } from '../../pages/troubles.ts';
import { inquired } from '../inquired.ts';
import { defineRoute } from '../route.ts';
import { knownRepository, repositoryParam } from './repositories.ts';

const mostFindings = 200;

export const checkRepository = defineRoute<HubCheckRequest>({
  id: 'checkRepository',
  method: 'POST',
  path: '/api/v1/repositories/{name}/check',
  tag: 'repositories',
  right: 'operate',
  summary: 'Look for damage in a repository',
  description:
    'As `sendense-run check`. It may take hours: `Location` leads to what becomes of it. One that goes on is not begun again. It ends with the hub.',
  params: repositoryParam,
  body: { schema: 'hub/check-start.json', bytes: 4096 },
  logOf: ({ quick = false, vm, point }) => ({
    quick: String(quick),
    ...(vm !== undefined && { vm }),
    ...(point !== undefined && { backup_id: point }),
  }),
  answers: { 202: { description: 'It goes on.', schema: 'hub/check.json' } },
  errors: ['repository.unusable', 'node.limited'],
  async handle(call): Promise<HubCheck> {
    const name = knownRepository(call);
    const { quick = false, vm, point } = call.body;
    const begun = call.parts.inquiries.begin({
      kind: 'check',
      about: aboutOf(name, { vm, point }),
      words: [
        'check',
        `--repository=${name}`,
        ...(quick ? ['--quick'] : []),
        ...(point === undefined ? (vm === undefined ? [] : ['--', vm]) : ['--', point]),
      ],
      caller: call.caller,
      reduce: (output) => reduced(output as CheckOutput, quick),
    });
    call.answer.status(202);
    const only = new URLSearchParams({
      ...(vm !== undefined && { vm }),
      ...(point !== undefined && { point }),
    }).toString();
    const path = `/api/v1/repositories/${encodeURIComponent(name)}/check`;
    call.answer.header('location', only === '' ? path : `${path}?${only}`);
    return checkOf(name, begun);
  },
});

export const showCheck = defineRoute({
  id: 'showCheck',
  method: 'GET',
  path: '/api/v1/repositories/{name}/check',
  tag: 'repositories',
  right: 'look',
  summary: 'What became of the last check of a repository',
  description: 'Of the last one that this API began since the hub was started.',
  params: repositoryParam,
  query: {
    vm: { description: 'Of one that was about this VM only.' },
    point: { description: 'Of one that was about this restore point only.' },
  },
  answers: { 200: { description: 'The check.', schema: 'hub/check.json' } },
  errors: ['repository.unusable'],
  quiet: true,
  async handle(call): Promise<HubCheck> {
    const name = knownRepository(call);
    return checkOf(name, call.parts.inquiries.last('check', aboutOf(name, call.query)));
  },
});

/** What checks found that were asked for since the hub was started, and what was not checked anew since. */
export const failedChecks = (inquiries: Inquiries): FailedCheck[] =>
  inquiries.all('check').flatMap(({ about, inquiry: { ended, output } }) => {
    const result = output as Result | null;
    if (ended === null || result === null || result.ok) return [];
    const [first] = result.findings;
    const faults = result.findings_total;
    return [{ repository: repositoryOf(about), ended, faults, message: first?.message ?? 'see its screen' }];
  });

/** One of a part of a repository says nothing of the rest. */
const aboutOf = (
  name: string,
  { vm, point }: { readonly vm?: string | undefined; readonly point?: string | undefined },
): string => (vm === undefined && point === undefined ? name : JSON.stringify([name, vm, point]));

const repositoryOf = (about: string): string =>
  about.startsWith('[') ? ((JSON.parse(about) as string[])[0] ?? '') : about;

type Result = NonNullable<HubCheck['result']>;

/** The first findings, errors first. */
const reduced = ({ ok, points_checked, bytes_read, findings }: CheckOutput, quick: boolean): Result => ({
  ok,
  quick,
  points_checked,
  bytes_read,
  findings: findings
    .toSorted((a, b) => (a.severity < b.severity ? -1 : a.severity > b.severity ? 1 : 0))
    .slice(0, mostFindings),
  findings_total: findings.length,
});

const checkOf = (repository: string, inquiry: Inquiry | undefined): HubCheck => ({
  version: 1,
  repository,
  ...inquired(inquiry),
  result: (inquiry?.output ?? null) as Result | null,
});
