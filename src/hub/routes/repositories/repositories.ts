import type { Call } from '../../../api/route.ts';
import { SendenseError } from '../../../errors/sendense-error.ts';
import type { HubGrowth, HubOneRepository, HubRepositories } from '../../../schemas/types.ts';
import { shared } from '../list-answer.ts';
import { offsetOf, offsetQuery } from '../offset.ts';
import { defineRoute, type HubParts } from '../route.ts';

export const repositoryParam = { name: { description: 'Name of the repository.', logAs: 'repository' } } as const;

export const listRepositories = defineRoute({
  id: 'listRepositories',
  method: 'GET',
  path: '/api/v1/repositories',
  tag: 'repositories',
  right: 'look',
  summary: 'Repositories, what they hold, and when they will be full',
  description:
    'What `sendense-run repo list --json` prints. Measuring looks at every file, so the hub does it every five minutes at most: `measured` says when.',
  answers: { 200: { description: 'The repositories.', schema: 'hub/repositories.json' } },
  errors: [],
  quiet: true,
  handle: async ({ parts, signal }): Promise<HubRepositories> => parts.hub.pages.repositories(signal),
});

export const showRepository = defineRoute({
  id: 'showRepository',
  method: 'GET',
  path: '/api/v1/repositories/{name}',
  tag: 'repositories',
  right: 'look',
  summary: 'One repository, and what each VM holds there',
  description: 'As `sendense-run repo usage NAME --json`, measured five minutes ago at most.',
  params: repositoryParam,
  answers: { 200: { description: 'The repository.', schema: 'hub/one-repository.json' } },
  errors: ['repository.unusable'],
  quiet: true,
  handle: async (call): Promise<HubOneRepository> => ({ version: 1, ...(await measuredOne(call)) }),
});

export const showGrowth = defineRoute({
  id: 'showGrowth',
  method: 'GET',
  path: '/api/v1/repositories/{name}/growth',
  tag: 'repositories',
  right: 'look',
  summary: 'What a repository grew by, day by day, and when it will be full',
  description:
    'The forecast is the mean of the whole days of the last 30, with two standard errors of the mean on either side; it needs seven of them.',
  params: repositoryParam,
  query: { offset: offsetQuery },
  answers: { 200: { description: 'The growth.', schema: 'hub/growth.json' } },
  errors: ['repository.unusable'],
  quiet: true,
  handle: async (call) =>
    shared(call, 'showGrowth', async (): Promise<HubGrowth> => {
      const { repository } = await measuredOne(call);
      return { version: 1, ...call.parts.hub.pages.growth(repository, offsetOf(call.query) * 60_000) };
    }),
});

type NamedCall = Pick<Call<HubParts, unknown>, 'parts' | 'params'>;

/** Name of a repository that there is. @throws SendenseError `repository.unusable` */
export function knownRepository({ parts, params }: NamedCall): string {
  const name = params['name'] ?? '';
  const names = Object.keys(parts.hub.settings.repositories);
  if (names.includes(name)) return name;
  throw new SendenseError(
    'repository.unusable',
    `sendense.yaml has no repository ${name}; it has ${names.join(', ') || 'none'}`,
    {
      remedy: 'Name one of `repositories` in sendense.yaml.',
      details: { field: 'name' },
    },
  );
}

async function measuredOne(
  call: NamedCall & Pick<Call<HubParts>, 'signal'>,
): Promise<Omit<HubOneRepository, 'version'>> {
  const name = knownRepository(call);
  const { measured, repositories } = await call.parts.hub.pages.repositories(call.signal);
  const repository = repositories.find((one) => one.repository === name);
  if (repository) return { measured, repository };
  throw new SendenseError('repository.unusable', `repository ${name} was not measured yet`, {
    remedy: 'Try again in a moment.',
  });
}
