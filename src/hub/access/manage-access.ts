import type { Caller } from '../../api/caller.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { SessionInfo, UserSessionsOutput } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import {
  beginSession,
  endSessions,
  idleMs,
  listSessions,
  longestMs,
  proveSession,
  useSession,
  type From,
  type Session,
} from '../../state/access/sessions.ts';
import { changeUser, findUser, requireUser, type User } from '../../state/access/users.ts';
import { callerOfGrant } from './granted.ts';
import { assertOwnPassword, manageUsers, type Users } from './manage-users.ts';
import { assertGood, hashOf, isPassword } from './password.ts';
import { rightsOf, type Role } from './rights.ts';
import { slowLogins } from './slow-logins.ts';

export interface LoginRequest {
  readonly name: string;
  readonly password: string;
  readonly from: From;
  readonly signal: AbortSignal;
}

/** Of whoever has the secret of a session. */
export interface OwnPasswordChange extends Omit<LoginRequest, 'name'> {
  /** The new one; `password` is the one until now. */
  readonly next: string;
}

/** Which sessions to end: one; all of a user, or all but one. */
export type SessionChoice =
  | { readonly id: string; readonly user?: string | undefined }
  | { readonly user: string; readonly but?: string | undefined };

/** Who may log in at the hub, and who has. No answer holds a password or its hash. */
export interface Access extends Users {
  /** @param name only of this user @throws SendenseError `access.user` */
  sessions(name?: string): UserSessionsOutput;
  /** @returns how many were ended @throws SendenseError `access.user` */
  endSessions(only: SessionChoice): number;
  /** @returns the secret of a new session @throws SendenseError `access.refused`, `node.limited` */
  login(request: LoginRequest): Promise<string>;
  /** Who has the secret of a session. */
  callerOf(secret: string, from: From): Caller | undefined;
  /** What the page shows of a session; undefined: it has ended. */
  sessionOf(secret: string, from: From): SessionInfo | undefined;
  /** Its id, which is no secret; undefined: it has ended. */
  idOf(secret: string, from: From): string | undefined;
  /** The password was typed again. @throws SendenseError `access.refused`, `access.login`, `access.elsewhere`, `node.limited` */
  prove(secret: string, request: Omit<LoginRequest, 'name'>): Promise<void>;
  /** A new password of one's own; ends one's other sessions. @throws SendenseError as `prove`, `access.password` */
  changePassword(secret: string, request: OwnPasswordChange): Promise<void>;
  logout(secret: string, from: From): void;
}

/** The password counts as typed lately for so long, ms. */
const freshMs = 10 * 60_000;

interface Used {
  readonly session: Session;
  readonly user: User;
}

export function manageAccess(state: State): Access {
  const slow = slowLogins();
  const proven = async ({ name, password, from, signal }: LoginRequest): Promise<User> => {
    const address = from.address ?? 'local';
    const failures = await slow.enter(name, address, signal);
    const user = findUser(state, name);
    const hash = user?.kind === 'local' && user.disabled === null ? user.password : undefined;
    if (!(await isPassword(password, hash, { failures })) || !user) throw refused();
    slow.well(name, address);
    return user;
  };
  const used = (secret: string, from: From): Used | undefined => {
    const session = useSession(state, secret, from);
    const user = session && findUser(state, session.user);
    return session && user && user.disabled === null ? { session, user } : undefined;
  };
  const provenAgain = async (secret: string, request: Omit<LoginRequest, 'name'>): Promise<Used> => {
    const found = used(secret, request.from);
    if (!found) throw new SendenseError('access.login', 'the session has ended');
    assertOwnPassword(found.user);
    return { ...found, user: await proven({ ...request, name: found.user.name }) };
  };
  return {
    ...manageUsers(state),
    sessions(name) {
      if (name !== undefined) requireUser(state, name);
      return {
        version: 1,
        sessions: listSessions(state, name).map((session) => ({ ...session, expires: endOf(session) })),
      };
    },
    endSessions(only) {
      if (only.user !== undefined) requireUser(state, only.user);
      return endSessions(state, only);
    },
    async login(request) {
      const user = await proven(request);
      return state.transaction(() => {
        assertUnchanged(state, user);
        return beginSession(state, user.name, request.from);
      });
    },
    callerOf(secret, from) {
      const found = used(secret, from);
      if (!found) return undefined;
      const { user, session } = found;
      const grantedNow = () => used(secret, from)?.user;
      return callerOfGrant(
        { kind: 'session', name: user.name, made: user.created, isFresh: () => isFresh(session), grantedNow },
        user,
      );
    },
    sessionOf(secret, from) {
      const found = used(secret, from);
      return found && shown(found);
    },
    idOf: (secret, from) => used(secret, from)?.session.id,
    async prove(secret, request) {
      const { session } = await provenAgain(secret, request);
      proveSession(state, session.id);
    },
    async changePassword(secret, { next, ...request }) {
      const { user, session } = await provenAgain(secret, request);
      assertGood(next);
      const password = await hashOf(next);
      const check = (): void => assertUnchanged(state, user);
      changeUser(state, user.name, { password }, { check, keep: session.id });
      proveSession(state, session.id);
    },
    logout(secret, from) {
      const found = used(secret, from);
      if (found) endSessions(state, { id: found.session.id });
    },
  };
}

const refused = (): SendenseError => new SendenseError('access.refused', 'the name or the password is wrong');

/** The user may have been changed while a hash was made. */
function assertUnchanged(state: State, { name, password }: User): void {
  const now = findUser(state, name);
  if (now?.password !== password || now.disabled !== null) throw refused();
}

const shown = ({ user, session }: Used): SessionInfo => ({
  user: user.name,
  kind: user.kind,
  roles: [...user.roles],
  rights: [...rightsOf(user.roles as readonly Role[])],
  vms: user.vms && [...user.vms],
  expires: session.created + longestMs,
  idle_ms: idleMs,
  fresh_until: session.proven + freshMs,
});

const isFresh = ({ proven }: Session): boolean => Date.now() - proven < freshMs && proven <= Date.now();

const endOf = ({ created, used }: Session): number => Math.min(created + longestMs, used + idleMs);
