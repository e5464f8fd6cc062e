import { SendenseError } from '../../../errors/sendense-error.ts';
import type { OwnPasswordRequest, SessionsEnded, SessionsOutput } from '../../../schemas/types.ts';
import { defineRoute } from '../route.ts';
import { currentId, ownName, placeOf, secretOf } from './own-session.ts';

const all = { tag: 'access', right: 'administer' } as const;
/** What everybody may do about oneself. */
const own = { tag: 'access', right: 'self', vms: 'none' } as const;
const id = { id: { description: 'Id of the session.', logAs: 'session' } } as const;
const listed = { 200: { description: 'The sessions, the newest first.', schema: 'hub/sessions.json' } } as const;
const counted = { 200: { description: 'How many have ended.', schema: 'hub/sessions-ended.json' } } as const;
const ended = { 204: { description: 'The session has ended.' } } as const;

const noSession = (): SendenseError => new SendenseError('access.session', 'there is no such session');

export const listSessions = defineRoute({
  ...all,
  id: 'listSessions',
  method: 'GET',
  path: '/api/v1/sessions',
  summary: 'Who is logged in',
  description: 'As `sendense-run user sessions --json`.',
  answers: listed,
  errors: [],
  handle: async (call): Promise<SessionsOutput> => ({
    ...call.parts.hub.access.sessions(),
    current: currentId(call),
  }),
});

export const endSession = defineRoute({
  ...all,
  id: 'endSession',
  method: 'DELETE',
  path: '/api/v1/sessions/{id}',
  summary: 'Ends a session',
  params: id,
  answers: ended,
  errors: ['access.session'],
  async handle({ parts, params }): Promise<undefined> {
    if (parts.hub.access.endSessions({ id: params['id'] ?? '' }) === 0) throw noSession();
    return undefined;
  },
});

export const endUserSessions = defineRoute({
  ...all,
  id: 'endUserSessions',
  method: 'DELETE',
  path: '/api/v1/users/{name}/sessions',
  summary: 'Logs a user out everywhere',
  params: { name: { description: 'Name of the user.', logAs: 'user' } },
  answers: counted,
  errors: ['access.user'],
  handle: async ({ parts, params: { name = '' } }): Promise<SessionsEnded> => ({
    ended: parts.hub.access.endSessions({ user: name }),
  }),
});

export const listOwnSessions = defineRoute({
  ...own,
  id: 'listOwnSessions',
  method: 'GET',
  path: '/api/v1/account/sessions',
  summary: 'Where one is logged in',
  answers: listed,
  errors: ['access.right'],
  handle: async (call): Promise<SessionsOutput> => ({
    ...call.parts.hub.access.sessions(ownName(call)),
    current: currentId(call),
  }),
});

export const endOwnSession = defineRoute({
  ...own,
  id: 'endOwnSession',
  method: 'DELETE',
  path: '/api/v1/account/sessions/{id}',
  summary: 'Ends one of one’s own sessions',
  params: id,
  answers: ended,
  errors: ['access.session', 'access.right'],
  async handle(call): Promise<undefined> {
    const { parts, params } = call;
    if (parts.hub.access.endSessions({ id: params['id'] ?? '', user: ownName(call) }) === 0) throw noSession();
    return undefined;
  },
});

export const endOtherSessions = defineRoute({
  ...own,
  id: 'endOtherSessions',
  method: 'DELETE',
  path: '/api/v1/account/sessions',
  summary: 'Logs out everywhere else',
  answers: counted,
  errors: ['access.right'],
  handle: async (call): Promise<SessionsEnded> => ({
    ended: call.parts.hub.access.endSessions({ user: ownName(call), but: currentId(call) ?? undefined }),
  }),
});

export const setOwnPassword = defineRoute<OwnPasswordRequest>({
  ...own,
  id: 'setOwnPassword',
  method: 'PUT',
  path: '/api/v1/account/password',
  summary: 'Changes one’s own password',
  description: 'Takes the password until now, and ends all other sessions.',
  body: { schema: 'hub/own-password.json', bytes: 8192 },
  answers: { 204: { description: 'The new password is good from now on.' } },
  errors: ['access.refused', 'access.password', 'access.elsewhere', 'access.right'],
  async handle(call): Promise<undefined> {
    ownName(call);
    const { body, signal } = call;
    const request = { password: body.present, next: body.password, from: placeOf(call), signal };
    await call.parts.hub.access.changePassword(secretOf(call), request);
    return undefined;
  },
});
