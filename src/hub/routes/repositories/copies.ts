import type { Call } from '../../../api/route.ts';
import { SendenseError } from '../../../errors/sendense-error.ts';
import type { CopyOutput, HubCopy, HubCopyRequest } from '../../../schemas/types.ts';
import type { Inquiry } from '../../acts/inquiries.ts';
import { assertFresh } from '../acts/begin.ts';
import { inquired } from '../inquired.ts';
import { defineRoute, type HubParts } from '../route.ts';
import { knownRepository, repositoryParam } from './repositories.ts';

interface What {
  readonly vm?: string | undefined;
  readonly point?: string | undefined;
  readonly to?: string | undefined;
}

const common = { tag: 'repositories', path: '/api/v1/repositories/{name}/copies', params: repositoryParam } as const;

export const copyPoints = defineRoute<HubCopyRequest>({
  ...common,
  id: 'copyPoints',
  method: 'POST',
  right: 'keep',
  summary: 'Copy or move restore points to another repository of the hub',
  description:
    'As `sendense-run repo copy`, or `repo move`, which takes a fresh password. It may take hours: `Location` leads to what becomes of it. It goes on if the hub ends; one that was cut off goes on where it stopped when it is begun again.',
  body: { schema: 'hub/copy-start.json', bytes: 4096 },
  answers: { 202: { description: 'It goes on.', schema: 'hub/copy.json' } },
  errors: ['repository.unusable', 'node.limited', 'access.stale'],
  logOf: ({ vm, point, to, move = false }) => ({
    ...(vm !== undefined && { vm }),
    ...(point !== undefined && { backup_id: point }),
    to,
    move: String(move),
  }),
  async handle(call): Promise<HubCopy> {
    const from = knownRepository(call);
    const { vm, point, to, move = false } = call.body;
    if ((vm === undefined) === (point === undefined))
      throw new SendenseError('request.invalid', 'say vm or point', { details: { field: 'vm' } });
    if (move) assertFresh(call, 'removes restore points from a repository');
    const begun = call.parts.inquiries.begin({
      kind: 'copy',
      about: aboutOf(from, call.body),
      words: ['repo', move ? 'move' : 'copy', `--from=${from}`, `--to=${to}`, '--', vm ?? point ?? ''],
      caller: call.caller,
      goesOn: true,
      reduce: (output) => output,
    });
    call.answer.status(202);
    call.answer.header('location', `/api/v1/repositories/${encodeURIComponent(from)}/copies?${queryOf(call.body)}`);
    return copyOf(from, to, begun);
  },
});

export const showCopy = defineRoute({
  ...common,
  id: 'showCopy',
  method: 'GET',
  right: 'look',
  summary: 'What became of restore points that are copied or moved',
  description: 'Of what this API began last since the hub was started. `Location` of `copyPoints` has the parameters.',
  query: {
    to: { description: 'The other repository.', required: true },
    vm: { description: 'The VM, where all of it is copied.' },
    point: { description: 'The restore point, where one is copied.' },
  },
  answers: { 200: { description: 'How it goes with it.', schema: 'hub/copy.json' } },
  errors: ['repository.unusable'],
  quiet: true,
  async handle(call: Call<HubParts>): Promise<HubCopy> {
    const from = knownRepository(call);
    const { query, parts } = call;
    return copyOf(from, query['to'] ?? '', parts.inquiries.last('copy', aboutOf(from, query)));
  },
});

const queryOf = ({ vm, point, to = '' }: What): string =>
  new URLSearchParams({ to, ...(vm !== undefined && { vm }), ...(point !== undefined && { point }) }).toString();

const aboutOf = (from: string, what: What): string => `${from} ${queryOf(what)}`;

const copyOf = (from: string, to: string, inquiry: Inquiry | undefined): HubCopy => ({
  version: 1,
  from,
  to,
  ...inquired(inquiry),
  result: (inquiry?.output ?? null) as CopyOutput | null,
});
