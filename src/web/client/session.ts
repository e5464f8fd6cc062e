import { signal } from '@preact/signals';
import { ask, type Trouble } from './ask.ts';
import { forgetDrafts } from './drafts.ts';

/** Who is logged in. */
export interface Session {
  readonly user: string;
  /** Who knows the user's password. */
  readonly kind: 'local' | 'oidc' | 'proxy' | 'token';
  readonly roles: readonly string[];
  readonly rights: readonly string[];
  /** Patterns of the VMs that it is for; null: all. */
  readonly vms: readonly string[] | null;
  /** When it ends, ms since the epoch; null: not by itself. */
  readonly expires: number | null;
}

/** Undefined: not known yet; null: nobody. */
export const session = signal<Session | null | undefined>(undefined);
/** The session ended while its user looked at something: what is on the screen stays. */
export const ended = signal(false);

/** Of who is logged in. */
export const sessionPath = '/api/v1/session';
/** The other tabs of this browser, which have the same cookie. */
const tabs = new BroadcastChannel('sendense-session');
tabs.addEventListener('message', () => {
  if (ended.peek() || session.peek() === null) void readSession();
});

/** How often somebody logged in since the page was loaded. */
let logins = 0;

/** Whether who is logged in may do something. */
export const may = (right: string): boolean => session.value?.rights.includes(right) === true;

/** The hub does not know who asks. It answers a few such questions with 401, and more with 429; nobody whom it knows gets 429 about the session. */
const isNobody = ({ status }: Trouble): boolean => [401, 429].includes(status);

/** Asks the hub who is logged in. @returns why that is not known */
export async function readSession(): Promise<Trouble | undefined> {
  const before = logins;
  const answer = await ask<Session>(sessionPath);
  if (before !== logins) return undefined;
  if (answer.ok === true) {
    session.value = answer.body;
    ended.value = false;
    return undefined;
  }
  if (answer.ok === false && !isNobody(answer.trouble)) return answer.trouble;
  // Who was logged in keeps what is on the screen.
  if (!ended.value) session.value = null;
  return undefined;
}

/** @returns why not */
export async function logIn(name: string, password: string): Promise<Trouble | undefined> {
  const answer = await ask<Session>(sessionPath, { method: 'POST', body: { name, password } });
  if (answer.ok === false) return answer.trouble;
  logins += 1;
  if (answer.ok === true) session.value = answer.body;
  ended.value = false;
  tabs.postMessage('logged in');
  return undefined;
}

/** The hub wants the password again before it destroys something. @returns why not */
export async function provePassword(password: string): Promise<Trouble | undefined> {
  const answer = await ask(`${sessionPath}/fresh`, { method: 'POST', body: { password } });
  return answer.ok === false ? answer.trouble : undefined;
}

/** @returns why not */
export async function logOut(): Promise<Trouble | undefined> {
  const answer = await ask(sessionPath, { method: 'DELETE' });
  if (answer.ok === false && answer.trouble.status !== 401) return answer.trouble;
  const before = session.value;
  forgetDrafts();
  session.value = null;
  ended.value = false;
  // The provider would let the next one in without a password.
  if (before?.kind === 'oidc') location.assign(`${sessionPath}/oidc/sign-out`);
  return undefined;
}

/** Leads to the identity provider. @param again it asks for the password in any case */
export const atProvider = (to: string, again = false): string =>
  `${sessionPath}/oidc?${new URLSearchParams({ to, ...(again && { again: 'true' }) }).toString()}`;

let checking = false;

/** Call it when the hub has answered 401. That may be the answer to a question from before the last login, so the hub is asked again. */
export async function checkSession(): Promise<void> {
  if (checking || ended.peek() || !session.peek()) return;
  checking = true;
  const before = logins;
  const answer = await ask<Session>(sessionPath);
  checking = false;
  if (answer.ok === false && isNobody(answer.trouble) && before === logins && session.peek()) ended.value = true;
}
