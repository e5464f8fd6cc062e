import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { SendenseError } from '../../errors/sendense-error.ts';
import { oidcProvider, type OidcAttempt, type OidcClaims, type OidcProvider } from '../../host/net/oidc-provider.ts';
import { nameFrom } from '../../plan/names.ts';
import { isThisMachine } from '../../plan/yaml/in-the-clear.ts';
import type { Settings } from '../../schemas/types.ts';
import { beginSession, type From } from '../../state/access/sessions.ts';
import { addUser, changeUser, findUser, listUsers, type User } from '../../state/access/users.ts';
import { openCredential } from '../../state/credentials/credentials.ts';
import type { State } from '../../state/database/open-state.ts';
import type { Granted } from './granted.ts';
import { isOwnName } from './manage-users.ts';
import { grantOfGroups } from './groups.ts';

export type OidcSettings = NonNullable<Settings['hub']['oidc']>;

export interface OidcBegin {
  /** `https://HOST:PORT` of this hub, as the browser knows it. */
  readonly origin: string;
  /** Path of the page to come back to. */
  readonly to: string;
  /** The provider asks for the password, though it knows the user. */
  readonly again: boolean;
}

/** Logins at an identity provider. */
export interface OidcLogin {
  /** What the login calls it. */
  readonly name: string;
  /** @returns where the browser goes, and what it keeps until it comes back @throws SendenseError `access.provider` */
  begin(request: OidcBegin): Promise<{ readonly location: string; readonly ticket: string }>;
  /**
   * The browser has come back.
   * @param query of the address it came to @returns the secret of a new session
   * @throws SendenseError `access.oidc`, `access.groups`, `access.provider`
   */
  finish(
    ticket: string,
    query: string,
    from: From,
  ): Promise<{ readonly secret: string; readonly user: string; readonly to: string }>;
  /** Where the browser ends the session at the provider; null: nowhere. @throws SendenseError `access.provider` */
  signOut(to: string): Promise<string | null>;
}

/** Where the browser comes back to. */
export const callbackPath = '/api/v1/session/oidc/callback';

/** A login that has begun ends so soon, ms. */
export const attemptMs = 10 * 60_000;

/** Null: the settings name no provider. */
export function oidcLogin(state: State, settings: OidcSettings | undefined): OidcLogin | null {
  if (!settings) return null;
  const tickets = sealedTickets();
  let provider: OidcProvider | undefined;
  const known = (): OidcProvider => (provider ??= providerOf(state, settings));
  return {
    name: settings.name,
    async begin({ origin, to, again }) {
      const { attempt, location } = await known().begin(`${origin}${callbackPath}`, again);
      return { location, ticket: tickets.seal({ ...attempt, to }) };
    },
    async finish(ticket, query, from) {
      const attempt = tickets.take(ticket);
      const claims = await known().finish(attempt, query);
      const user = admitted(state, settings, claims);
      const secret = beginSession(state, user.name, from, { proven: provenAt(claims, attempt) });
      return { secret, user: user.name, to: attempt.to };
    },
    signOut: (to) => known().signOut(to),
  };
}

function providerOf(state: State, { issuer, clientId, clientSecret, scope }: OidcSettings): OidcProvider {
  let secret: string | null;
  try {
    secret = clientSecret === undefined ? null : openCredential(state, clientSecret).password;
  } catch (cause) {
    throw new SendenseError('access.provider', `hub.oidc.clientSecret: ${(cause as Error).message}`, { cause });
  }
  return oidcProvider({ issuer, clientId, clientSecret: secret, scope }, { insecure: isThisMachine(issuer) });
}

/** When the user typed the password at the provider, ms; 0 where it does not say so. */
function provenAt({ auth_time: seconds }: OidcClaims, { again }: OidcAttempt): number {
  const at = typeof seconds === 'number' ? seconds * 1000 : 0;
  // It was asked not to trust an older login, and did.
  if (again && Date.now() - at > attemptMs)
    throw new SendenseError('access.oidc', 'the identity provider did not ask for the password again');
  return Math.min(at, Date.now());
}

/** The user that the claims name, with the roles of the groups. @throws SendenseError `access.oidc`, `access.groups` */
function admitted(state: State, settings: OidcSettings, claims: OidcClaims): User {
  const granted = grantOfGroups(groupsOf(claims[settings.groupsClaim]), settings);
  const subject = JSON.stringify([claims.iss, claims.sub]);
  // What the provider took away is taken away, also where that is why nobody gets in.
  const user = state.transaction(() => {
    const known = listUsers(state).find((one) => one.subject === subject);
    if (known) return withRights(state, known, granted);
    const name = nameOf(claims, settings.nameClaim);
    if (findUser(state, name))
      throw new SendenseError('access.oidc', `there is a user ${name} already, who is not the one of the provider`, {
        remedy: 'Remove that user, or let `hub: oidc: nameClaim` name a claim that no two people share.',
      });
    if (granted.roles.length > 0) addUser(state, { name, password: '', ...granted, kind: 'oidc', subject });
    return findUser(state, name) ?? name;
  });
  if (typeof user === 'string' || user.roles.length === 0)
    throw new SendenseError(
      'access.groups',
      `${typeof user === 'string' ? user : user.name} is in no group that has a role`,
    );
  if (user.disabled !== null) throw new SendenseError('access.oidc', `${user.name} may not log in`);
  return user;
}

/** With other roles than before, earlier sessions end. */
function withRights(state: State, user: User, granted: Granted): User {
  const before = JSON.stringify([user.roles, user.vms]);
  if (before !== JSON.stringify([granted.roles, granted.vms])) changeUser(state, user.name, granted);
  return { ...user, ...granted };
}

const nameOf = (claims: OidcClaims, claim: string): string => {
  const said = [claims[claim], claims['email'], claims.sub].find((text) => typeof text === 'string' && text !== '');
  const name = nameFrom(String(said));
  return name === '' || isOwnName(name) ? nameFrom(`user-${claims.sub}`) : name;
};

/** A list, or one text. */
const groupsOf = (claim: unknown): string[] =>
  (Array.isArray(claim) ? claim : [claim]).filter((group): group is string => typeof group === 'string');

interface Ticket extends OidcAttempt {
  readonly to: string;
}

interface Tickets {
  seal(ticket: Ticket): string;
  /** Once. @throws SendenseError `access.oidc` */
  take(sealed: string): Ticket;
}

/**
 * What a login is about, for its browser to keep: the hub keeps nothing of logins that nobody ends, however many begin. Nobody can read
 * or make one; the key dies with the process.
 */
function sealedTickets(): Tickets {
  const key = randomBytes(32);
  /** Those that came back, until they would have ended anyway. */
  const taken = new Map<string, number>();
  return {
    seal(ticket) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const text = JSON.stringify({ ...ticket, until: Date.now() + attemptMs });
      return Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]).toString('base64url');
    },
    take(sealed) {
      const ticket = opened(key, sealed);
      const now = Date.now();
      for (const [state, until] of taken) if (until < now) taken.delete(state);
      if (!ticket || ticket.until < now || taken.has(ticket.state))
        throw new SendenseError(
          'access.oidc',
          'the login was not begun in this browser, is over ten minutes old, or has ended already',
        );
      taken.set(ticket.state, ticket.until);
      return ticket;
    },
  };
}

function opened(key: Buffer, sealed: string): (Ticket & { readonly until: number }) | undefined {
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length < 28) return undefined;
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12)).setAuthTag(bytes.subarray(-16));
    const text = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
    return JSON.parse(text.toString()) as Ticket & { readonly until: number };
  } catch {
    return undefined;
  }
}
