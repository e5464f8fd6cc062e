import { flag, isOn } from '../../../api/flags.ts';
import type {
  CredentialsOutput,
  HubCredentialAdd,
  HubCredentialPassword,
  HubCredentialTest,
} from '../../../schemas/types.ts';
import { sourceErrors } from '../sources/source-errors.ts';
import { askerOf } from '../asker.ts';
import { defineRoute } from '../route.ts';

const name = { name: { description: 'Name of the credential.', logAs: 'credential_name' } } as const;
const common = { tag: 'nodes', right: 'administer', vms: 'none' } as const;
const schema = 'output/credentials.json';

export const listCredentials = defineRoute({
  ...common,
  id: 'listCredentials',
  method: 'GET',
  path: '/api/v1/credentials',
  summary: 'Stored credentials, without their passwords',
  description: 'As `sendense-run credentials list --json`.',
  answers: { 200: { description: 'All of them, and who uses each.', schema } },
  errors: [],
  handle: async ({ parts }): Promise<CredentialsOutput> => parts.hub.credentials.list(),
});

export const addCredential = defineRoute<HubCredentialAdd>({
  ...common,
  id: 'addCredential',
  method: 'POST',
  path: '/api/v1/credentials',
  summary: 'Store a user and a password',
  description: 'As `sendense-run credentials add`. No answer and no log has the password.',
  fresh: true,
  body: { schema: 'hub/credential-add.json', bytes: 16 * 1024 },
  answers: { 201: { description: 'The credential.', schema } },
  errors: ['usage', 'credential.exists', 'credential.key'],
  logOf: (body) => ({ credential_name: body.name }),
  handle: async ({ parts, body }): Promise<CredentialsOutput> =>
    parts.hub.credentials.add(body.name, body.user, body.password),
});

export const changeCredential = defineRoute<HubCredentialPassword>({
  ...common,
  id: 'changeCredential',
  method: 'PUT',
  path: '/api/v1/credentials/{name}',
  summary: 'Store another password for a credential',
  description: 'As `sendense-run credentials rotate NAME`.',
  fresh: true,
  params: name,
  body: { schema: 'hub/credential-password.json', bytes: 16 * 1024 },
  answers: { 200: { description: 'The credential.', schema } },
  errors: ['credential.unknown', 'credential.sealed', 'credential.key'],
  handle: async ({ parts, params, body }): Promise<CredentialsOutput> =>
    parts.hub.credentials.changePassword(params['name'] ?? '', body.password),
});

export const removeCredential = defineRoute({
  ...common,
  id: 'removeCredential',
  method: 'DELETE',
  path: '/api/v1/credentials/{name}',
  summary: 'Remove a credential',
  description: 'As `sendense-run credentials remove`.',
  fresh: true,
  params: name,
  query: { force: { ...flag('`yes`: although a source or a plan uses it.'), logAs: 'force' } },
  answers: { 200: { description: 'What it was.', schema } },
  errors: ['credential.unknown', 'credential.used'],
  handle: async ({ parts, params, query }): Promise<CredentialsOutput> =>
    parts.hub.credentials.remove(params['name'] ?? '', isOn(query['force'])),
});

export const testCredential = defineRoute<HubCredentialTest>({
  ...common,
  id: 'testCredential',
  method: 'POST',
  path: '/api/v1/credentials/{name}/test',
  summary: 'Let a node log in with a credential',
  description: 'As `sendense-run credentials test`: it says which privileges its user lacks.',
  params: name,
  body: { schema: 'hub/credential-test.json', bytes: 1024 },
  answers: { 200: { description: 'What was found.', schema: 'output/credentials-test.json' } },
  errors: ['credential.unknown', 'source.missing', 'usage', ...sourceErrors, 'run.crashed'],
  patient: true,
  async handle({ parts, params, body, ...call }): Promise<object> {
    const { source, node, purpose } = body;
    const said = { source, node, for: purpose };
    const flags = Object.entries(said).flatMap(([word, value]) => (value === undefined ? [] : [`--${word}=${value}`]));
    const words = ['credentials', 'test', ...flags, '--', params['name'] ?? ''];
    return await parts.askCommand(words, askerOf(call), { answersWith: [1, 3] });
  },
});
