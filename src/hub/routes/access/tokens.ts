import { SendenseError } from '../../../errors/sendense-error.ts';
import type { NewTokenOutput, TokenCreateRequest, TokensOutput } from '../../../schemas/types.ts';
import { defineRoute } from '../route.ts';
import { grantFacts, grantOf } from './users.ts';

const base = { tag: 'access', right: 'administer' } as const;

export const listTokens = defineRoute({
  ...base,
  id: 'listTokens',
  method: 'GET',
  path: '/api/v1/tokens',
  summary: 'Tokens of scripts',
  description: 'As `sendense-run token list --json`. No secret is among them.',
  answers: { 200: { description: 'All tokens.', schema: 'output/tokens.json' } },
  errors: [],
  handle: async ({ parts }): Promise<TokensOutput> => parts.hub.tokens.list(),
});

export const createToken = defineRoute<TokenCreateRequest>({
  ...base,
  id: 'createToken',
  method: 'POST',
  path: '/api/v1/tokens',
  summary: 'Makes a token for a script',
  description: 'The only answer that has its secret: nothing shows it again.',
  fresh: true,
  body: { schema: 'hub/token-create.json', bytes: 32_768 },
  answers: { 201: { description: 'The token with its secret.', schema: 'output/new-token.json' } },
  errors: ['access.exists'],
  logOf: ({ name, expires, ...granted }) => ({
    token: name,
    ...grantFacts(granted),
    expires: expires === null ? 'never' : new Date(expires).toISOString(),
  }),
  async handle({ parts, body, caller, answer }): Promise<NewTokenOutput> {
    const { name, expires } = body;
    if (expires !== null && expires <= Date.now())
      throw new SendenseError('request.invalid', 'expires is over already', { details: { field: '/expires' } });
    answer.header('cache-control', 'no-store');
    return parts.hub.tokens.create({ name, expires, by: caller.name, ...grantOf(body) });
  },
});

export const revokeToken = defineRoute({
  ...base,
  id: 'revokeToken',
  method: 'DELETE',
  path: '/api/v1/tokens/{name}',
  summary: 'Makes a token useless',
  fresh: true,
  params: { name: { description: 'Name of the token.', logAs: 'token' } },
  answers: { 200: { description: 'The token as it was.', schema: 'output/tokens.json' } },
  errors: ['access.token'],
  handle: async ({ parts, params: { name = '' } }): Promise<TokensOutput> => parts.hub.tokens.revoke(name),
});
