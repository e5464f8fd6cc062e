import type { Call } from '../../../api/route.ts';
import { SendenseError } from '../../../errors/sendense-error.ts';
import type { UserAddRequest, UserPasswordRequest, UserRolesRequest, UsersOutput } from '../../../schemas/types.ts';
import type { Granted } from '../../access/granted.ts';
import type { ChangeGuard } from '../../access/manage-users.ts';
import { defineRoute, type HubParts } from '../route.ts';

const base = { tag: 'access', right: 'administer' } as const;
const params = { name: { description: 'Name of the user.', logAs: 'user' } } as const;
const version = {
  'if-match': { description: 'ETag of `GET /api/v1/users/{name}`: the user is changed only if nobody else did.' },
} as const;
const changed = {
  200: { description: 'The user as it is now.', schema: 'output/users.json', headers: ['etag'] },
} as const;
const guarded = ['access.user', 'access.changed', 'access.unread', 'access.last-admin'] as const;

type UserCall = Pick<Call<HubParts, unknown>, 'parts' | 'params' | 'header' | 'answer'>;

const nameOf = ({ params: { name = '' } }: Pick<UserCall, 'params'>): string => name;

/** @throws SendenseError `access.unread` */
function guardOf({ header }: UserCall): ChangeGuard {
  const from = header('if-match');
  if (from === null) throw new SendenseError('access.unread', 'the request has no If-Match');
  return { from, keepAdmin: true };
}

/** The user that was read or changed, with its version. */
function answered(call: UserCall, output: UsersOutput): UsersOutput {
  call.answer.header('etag', call.parts.hub.access.version(nameOf(call)));
  return output;
}

/** @throws SendenseError `request.invalid` */
export function grantOf({ roles, vms = null }: UserRolesRequest): Granted {
  if (vms !== null && roles.includes('admin'))
    throw new SendenseError('request.invalid', 'an admin cannot be limited to some VMs: admins manage users', {
      remedy: 'Leave out vms, or give other roles.',
      details: { field: '/vms' },
    });
  return { roles, vms };
}

/** What the audit log says of what was granted. */
export const grantFacts = ({ roles, vms }: UserRolesRequest): Record<string, string> => ({
  roles: roles.join(' '),
  ...(vms && { vms: vms.join(' ') }),
});

export const readUsers = defineRoute({
  ...base,
  id: 'listUsers',
  method: 'GET',
  path: '/api/v1/users',
  summary: 'Who may log in',
  description: 'As `sendense-run user list --json`.',
  answers: { 200: { description: 'All users.', schema: 'output/users.json' } },
  errors: [],
  handle: async ({ parts }): Promise<UsersOutput> => parts.hub.access.users(),
});

export const showUser = defineRoute({
  ...base,
  id: 'showUser',
  method: 'GET',
  path: '/api/v1/users/{name}',
  summary: 'One user',
  description: 'Its ETag is what a change of the user sends as `If-Match`.',
  params,
  answers: { 200: { description: 'The user.', schema: 'output/users.json' } },
  errors: ['access.user'],
  handle: async (call): Promise<UsersOutput> => answered(call, call.parts.hub.access.users(nameOf(call))),
});

export const addUser = defineRoute<UserAddRequest>({
  ...base,
  id: 'addUser',
  method: 'POST',
  path: '/api/v1/users',
  summary: 'Adds a user',
  description: 'As `sendense-run user add`.',
  fresh: true,
  body: { schema: 'hub/user-add.json', bytes: 32_768 },
  answers: { 201: { description: 'The new user.', schema: 'output/users.json', headers: ['location'] } },
  errors: ['access.exists', 'access.password'],
  logOf: ({ name, ...granted }) => ({ user: name, ...grantFacts(granted) }),
  async handle({ parts, body, answer }): Promise<UsersOutput> {
    const output = await parts.hub.access.addUser(body.name, body.password, grantOf(body));
    answer.header('location', `/api/v1/users/${encodeURIComponent(body.name)}`);
    return output;
  },
});

export const setRoles = defineRoute<UserRolesRequest>({
  ...base,
  id: 'setRoles',
  method: 'PUT',
  path: '/api/v1/users/{name}/roles',
  summary: 'Changes what a user may do',
  description: 'Replaces roles and VMs, and ends all sessions of the user.',
  fresh: true,
  params,
  headers: version,
  body: { schema: 'hub/user-roles.json', bytes: 32_768 },
  answers: changed,
  errors: guarded,
  logOf: grantFacts,
  handle: async (call): Promise<UsersOutput> =>
    answered(call, call.parts.hub.access.setRoles(nameOf(call), grantOf(call.body), guardOf(call))),
});

export const setPassword = defineRoute<UserPasswordRequest>({
  ...base,
  id: 'setPassword',
  method: 'PUT',
  path: '/api/v1/users/{name}/password',
  summary: 'Gives a user a new password',
  description: 'Ends all sessions of the user.',
  fresh: true,
  params,
  body: { schema: 'hub/user-password.json', bytes: 8192 },
  answers: changed,
  errors: ['access.user', 'access.password', 'access.elsewhere'],
  handle: async (call): Promise<UsersOutput> =>
    answered(call, await call.parts.hub.access.setPassword(nameOf(call), call.body.password)),
});

const switched = (id: 'disableUser' | 'enableUser', word: string, summary: string, disabled: boolean) =>
  defineRoute({
    ...base,
    id,
    method: 'POST',
    path: `/api/v1/users/{name}/${word}`,
    summary,
    fresh: true,
    params,
    headers: version,
    answers: changed,
    errors: guarded,
    handle: async (call): Promise<UsersOutput> =>
      answered(call, call.parts.hub.access.setDisabled(nameOf(call), disabled, guardOf(call))),
  });

export const disableUser = switched(
  'disableUser',
  'disable',
  'Lets a user log in no more, and ends all sessions',
  true,
);
export const enableUser = switched('enableUser', 'enable', 'Lets a user log in again', false);

export const removeUser = defineRoute({
  ...base,
  id: 'removeUser',
  method: 'DELETE',
  path: '/api/v1/users/{name}',
  summary: 'Removes a user, with all sessions',
  description: 'Tokens that the user has made stay. With `If-Match`, only the version that was read.',
  fresh: true,
  params,
  headers: version,
  answers: { 200: { description: 'The user as it was.', schema: 'output/users.json' } },
  errors: ['access.user', 'access.changed', 'access.last-admin'],
  handle: async (call): Promise<UsersOutput> =>
    call.parts.hub.access.removeUser(nameOf(call), { from: call.header('if-match') ?? undefined, keepAdmin: true }),
});
