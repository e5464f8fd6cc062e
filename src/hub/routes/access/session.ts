import { SendenseError } from '../../../errors/sendense-error.ts';
import type { Caller } from '../../../api/caller.ts';
import type { Call } from '../../../api/route.ts';
import type { LoginRequest, ProveRequest, SessionInfo } from '../../../schemas/types.ts';
import { assertSameOrigin } from '../../access/same-origin.ts';
import { cookieWith, noCookie } from '../../access/session-cookie.ts';
import { callerName } from '../../access/manage-tokens.ts';
import { defineRoute, type HubParts } from '../route.ts';
import { placeOf, secretOf } from './own-session.ts';

const session = { description: 'The session.', schema: 'hub/session.json' };

export const login = defineRoute<LoginRequest>({
  id: 'login',
  method: 'POST',
  path: '/api/v1/session',
  tag: 'access',
  summary: 'Logs a user in',
  description:
    'Answers with a cookie, which only the browser has. Logins that fail become slow. The answer does not tell whether there is such a user.',
  right: 'public',
  body: { schema: 'hub/login.json', bytes: 8192 },
  answers: { 200: session },
  errors: ['access.refused', 'access.origin', 'access.host', 'node.limited'],
  // People type passwords where their name belongs.
  whoOf: ({ parts, body }) => (parts.hub.access.isUser(body.name) ? body.name : ''),
  async handle(call): Promise<SessionInfo> {
    const { parts, body, header, signal, answer, secure } = call;
    const site = header('sec-fetch-site');
    // A page of another site must not log somebody in as whom it wants. Scripts say neither.
    if (site !== null || header('origin') !== null) assertSameOrigin(headersOf(header), call);
    const { access } = parts.hub;
    const from = placeOf(call);
    const secret = await access.login({ ...body, from, signal });
    const old = secretOf(call);
    if (old !== '') access.logout(old, from);
    answer.header('set-cookie', cookieWith(secret, secure));
    answer.header('cache-control', 'no-store');
    return shown(access.sessionOf(secret, from));
  },
});

const headersOf = (header: Call<unknown>['header']): Record<string, string | undefined> =>
  Object.fromEntries(['sec-fetch-site', 'origin'].map((name) => [name, header(name) ?? undefined]));

export const showSession = defineRoute({
  id: 'showSession',
  method: 'GET',
  path: '/api/v1/session',
  tag: 'access',
  summary: 'Who is logged in',
  right: 'self',
  vms: 'none',
  answers: { 200: session },
  errors: ['access.host'],
  quiet: true,
  async handle(call): Promise<SessionInfo> {
    const { parts, caller, answer } = call;
    answer.header('cache-control', 'no-store');
    if (caller.kind !== 'session') return withoutSession(caller, parts.hub.tokens);
    return shown(parts.hub.access.sessionOf(secretOf(call), placeOf(call)));
  },
});

export const proveSession = defineRoute<ProveRequest>({
  id: 'proveSession',
  method: 'POST',
  path: '/api/v1/session/fresh',
  tag: 'access',
  summary: 'Takes the password again, for what destroys',
  right: 'self',
  vms: 'none',
  body: { schema: 'hub/prove.json', bytes: 8192 },
  answers: { 200: session },
  errors: ['access.refused', 'access.elsewhere', 'access.origin', 'access.host', 'node.limited'],
  async handle(call): Promise<SessionInfo> {
    const { parts, body, signal } = call;
    const from = placeOf(call);
    const secret = secretOf(call);
    await parts.hub.access.prove(secret, { password: body.password, from, signal });
    return shown(parts.hub.access.sessionOf(secret, from));
  },
});

export const logout = defineRoute({
  id: 'logout',
  method: 'DELETE',
  path: '/api/v1/session',
  tag: 'access',
  summary: 'Logs out',
  right: 'self',
  vms: 'none',
  answers: { 204: { description: 'The session has ended.' } },
  errors: ['access.origin', 'access.host'],
  async handle(call): Promise<undefined> {
    call.parts.hub.access.logout(secretOf(call), placeOf(call));
    call.answer.header('set-cookie', noCookie(call.secure));
    return undefined;
  },
});

function withoutSession({ kind, name, rights, granted }: Caller, tokens: HubParts['hub']['tokens']): SessionInfo {
  const token = kind === 'api-token' ? tokens.list().tokens.find((one) => callerName(one.name) === name) : undefined;
  return {
    user: name,
    kind: kind === 'proxy' ? 'proxy' : 'token',
    roles: [...(granted?.roles ?? [])],
    rights: [...rights],
    vms: granted?.vms ? [...granted.vms] : null,
    expires: token?.expires ?? null,
    idle_ms: null,
    fresh_until: null,
  };
}

function shown(info: SessionInfo | undefined): SessionInfo {
  if (!info) throw new SendenseError('access.login', 'the session has ended');
  return info;
}
