import { flag, isOn } from '../../../api/flags.ts';
import type { Call } from '../../../api/route.ts';
import { SendenseError, toSendenseError } from '../../../errors/sendense-error.ts';
import type { LoginWays } from '../../../schemas/types.ts';
import { attemptMs, type OidcLogin } from '../../access/oidc-login.ts';
import { cookiesNamed, cookieWith } from '../../access/session-cookie.ts';
import { defineRoute, type HubParts } from '../route.ts';
import { placeOf, secretOf } from './own-session.ts';

const base = { tag: 'access', method: 'GET', right: 'public' } as const;
type OidcCall = Call<HubParts, unknown>;

export const loginWays = defineRoute({
  ...base,
  id: 'loginWays',
  path: '/api/v1/session/ways',
  summary: 'How one can log in',
  answers: { 200: { description: 'Beside name and password.', schema: 'hub/login-ways.json' } },
  errors: ['access.host'],
  quiet: true,
  handle: async ({ parts: { hub } }): Promise<LoginWays> => ({ oidc: hub.oidc && { name: hub.oidc.name } }),
});

/** @throws SendenseError `access.oidc` where the settings name no provider */
function oidcOf({ parts: { hub } }: OidcCall): OidcLogin {
  if (hub.oidc) return hub.oidc;
  throw new SendenseError('access.oidc', 'this hub knows no identity provider', {
    remedy: 'Log in with name and password. `hub: oidc` in sendense.yaml names a provider.',
  });
}

/** From where the browser comes back, its whole way: it carries this cookie to no other. */
const ticketName = (secure: boolean): string => (secure ? '__Host-sendense-oidc' : 'sendense-oidc');
// Lax: the provider leads back here, which is another site.
const ticketAttributes = (secure: boolean): string => `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;

const originOf = ({ secure, host }: OidcCall): string => `${secure ? 'https' : 'http'}://${host ?? ''}`;

/** A path of this page, and nothing that a browser takes for another host, or no header can have. */
const pathOf = (text = '/'): string => (/^\/(?![/\\])[!-[\]-~]{0,1500}$/.test(text) ? text : '/');

/** Leads the browser elsewhere. */
function lead({ answer }: OidcCall, to: string): undefined {
  answer.status(302);
  answer.header('location', to);
  answer.header('cache-control', 'no-store');
  return undefined;
}

/** A person sees the page with what to do, a program the error. */
function orPage(call: OidcCall, error: unknown): undefined {
  if (call.header('accept')?.includes('text/html') !== true) throw error;
  const told = toSendenseError(error);
  call.answer.failed(told);
  return lead(call, `/?login=${told.code}`);
}

const leads = { 302: { description: 'Where the browser goes.', headers: ['location'] } } as const;

export const beginOidc = defineRoute({
  ...base,
  id: 'beginOidc',
  path: '/api/v1/session/oidc',
  summary: 'Leads to the identity provider',
  query: {
    to: { description: 'Path of the page to come back to.' },
    again: flag('`yes`: the provider asks for the password in any case. For what destroys.'),
  },
  answers: leads,
  errors: ['access.oidc', 'access.provider', 'access.host'],
  async handle(call): Promise<undefined> {
    try {
      const { query, secure, answer } = call;
      const request = { origin: originOf(call), to: pathOf(query['to']), again: isOn(query['again']) };
      const { location, ticket } = await oidcOf(call).begin(request);
      const cookie = `${ticketName(secure)}=${ticket}; ${ticketAttributes(secure)}; Max-Age=${attemptMs / 1000}`;
      answer.header('set-cookie', cookie);
      return lead(call, location);
    } catch (error) {
      return orPage(call, error);
    }
  },
});

export const finishOidc = defineRoute({
  ...base,
  id: 'finishOidc',
  path: '/api/v1/session/oidc/callback',
  summary: 'Logs in who comes back from the identity provider',
  description: 'The provider leads here. It is registered there as the redirect URI.',
  changes: true,
  // The provider may add what it likes.
  anyQuery: true,
  query: {
    code: { description: 'What the hub gets the ID token for.' },
    state: { description: 'Which login it belongs to.' },
    iss: { description: 'Whose it is (RFC 9207).' },
    error: { description: 'Why the provider refused the login.' },
    error_description: { description: 'The same in words.' },
  },
  answers: leads,
  errors: ['access.oidc', 'access.groups', 'access.provider', 'access.host'],
  async handle(call): Promise<undefined> {
    try {
      const { parts, secure, header, answer, query } = call;
      const [ticket = ''] = cookiesNamed(ticketName(secure), header('cookie'));
      const from = placeOf(call);
      const { secret, user, to } = await oidcOf(call).finish(ticket, new URLSearchParams(query).toString(), from);
      answer.who(user);
      const old = secretOf(call);
      if (old !== '') parts.hub.access.logout(old, from);
      const used = `${ticketName(secure)}=; ${ticketAttributes(secure)}; Max-Age=0`;
      answer.header('set-cookie', cookieWith(secret, secure));
      answer.header('set-cookie', used);
      return lead(call, to);
    } catch (error) {
      return orPage(call, error);
    }
  },
});

export const signOutOidc = defineRoute({
  ...base,
  id: 'signOutOidc',
  path: '/api/v1/session/oidc/sign-out',
  summary: 'Leads to where one logs out of the identity provider',
  answers: leads,
  errors: ['access.oidc', 'access.provider', 'access.host'],
  async handle(call): Promise<undefined> {
    try {
      return lead(call, (await oidcOf(call).signOut(`${originOf(call)}/`)) ?? '/');
    } catch (error) {
      return orPage(call, error);
    }
  },
});
