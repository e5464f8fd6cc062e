import type { Caller } from '../../api/caller.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { isName } from '../../plan/names.ts';
import type { SessionInfo, UserSessionsOutput, UsersOutput } from '../../schemas/types.ts';
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
import {
  addUser,
  changeUser,
  findUser,
  listUsers,
  removeUser,
  requireUser,
  type User,
} from '../../state/access/users.ts';
import { callerOfGrant, checkedGrant, type Granted } from './granted.ts';
import { assertGood, hashOf, isPassword } from './password.ts';
import { rightsOf, type Role } from './rights.ts';
import { slowLogins } from './slow-logins.ts';

export interface LoginRequest {
  readonly name: string;
  readonly password: string;
  readonly from: From;
  readonly signal: AbortSignal;
}

/** Who may log in at the hub, and who has. No answer holds a password or its hash. */
export interface Access {
  users(): UsersOutput;
  isUser(name: string): boolean;
  /** Throws what `addUser` or `setPassword` would throw about the name; for before a password is asked for. */
  checkName(name: string, wanted: 'new' | 'known'): void;
  /** @throws SendenseError `usage` for roles that there are not, or that do not fit */
  checkGranted(granted: Granted): void;
  /** @throws SendenseError `usage`, `access.exists`, `access.password` */
  addUser(name: string, password: string, granted: Granted): Promise<UsersOutput>;
  /** Ends the user's sessions. @throws SendenseError `access.user`, `access.password` */
  setPassword(name: string, password: string): Promise<UsersOutput>;
  /** Ends the user's sessions. @throws SendenseError `access.user`, `usage` */
  setRoles(name: string, granted: Granted): UsersOutput;
  /** @throws SendenseError `access.user` */
  removeUser(name: string): UsersOutput;
  /** @param name only of this user @throws SendenseError `access.user` */
  sessions(name?: string): UserSessionsOutput;
  /** Ends one session, or all of a user. @returns how many @throws SendenseError `access.user` */
  endSessions(only: { readonly id: string } | { readonly user: string }): number;
  /** @returns the secret of a new session @throws SendenseError `access.refused`, `node.limited` */
  login(request: LoginRequest): Promise<string>;
  /** Who has the secret of a session. */
  callerOf(secret: string, from: From): Caller | undefined;
  /** What the page shows of a session; undefined: it has ended. */
  sessionOf(secret: string, from: From): SessionInfo | undefined;
  /** The password was typed again. @throws SendenseError `access.refused`, `access.login`, `node.limited` */
  prove(secret: string, request: Omit<LoginRequest, 'name'>): Promise<void>;
  logout(secret: string, from: From): void;
}

/** The password counts as typed lately for so long, ms. */
const freshMs = 10 * 60_000;

export function manageAccess(state: State): Access {
  const slow = slowLogins();
  const users = (only?: string): UsersOutput => ({
    version: 1,
    users: listUsers(state)
      .filter(({ name }) => only === undefined || name === only)
      .map(({ password: _password, roles, vms, ...user }) => ({
        ...user,
        roles: [...roles],
        vms: vms && [...vms],
        sessions: listSessions(state, user.name).length,
      })),
  });
  const proven = async ({ name, password, from, signal }: LoginRequest): Promise<User> => {
    const address = from.address ?? 'local';
    await slow.enter(name, address, signal);
    const user = findUser(state, name);
    if (!(await isPassword(password, user?.password)) || !user)
      throw new SendenseError('access.refused', 'the name or the password is wrong');
    slow.well(name, address);
    return user;
  };
  const used = (secret: string, from: From): { session: Session; user: User } | undefined => {
    const session = useSession(state, secret, from);
    const user = session && findUser(state, session.user);
    return session && user ? { session, user } : undefined;
  };
  return {
    users: () => users(),
    isUser: (name) => findUser(state, name) !== undefined,
    checkName(name, wanted) {
      if (wanted === 'known') return void requireUser(state, name);
      if (!isName(name))
        throw new SendenseError('usage', `${JSON.stringify(name)} cannot be the name of a user`, nameRemedy);
      if (findUser(state, name)) throw new SendenseError('access.exists', `there is a user ${name} already`);
    },
    checkGranted: (granted) => void checkedGrant(granted),
    async addUser(name, password, granted) {
      this.checkName(name, 'new');
      assertGood(password);
      addUser(state, { name, password: await hashOf(password), ...checkedGrant(granted) });
      return users(name);
    },
    async setPassword(name, password) {
      requireUser(state, name);
      assertGood(password);
      changeUser(state, name, { password: await hashOf(password) });
      return users(name);
    },
    setRoles(name, granted) {
      changeUser(state, name, checkedGrant(granted));
      return users(name);
    },
    removeUser(name) {
      const gone = users(name);
      removeUser(state, name);
      return gone;
    },
    sessions(name) {
      if (name !== undefined) requireUser(state, name);
      return {
        version: 1,
        sessions: listSessions(state, name).map((session) => ({ ...session, expires: endOf(session) })),
      };
    },
    endSessions(only) {
      if ('user' in only) requireUser(state, only.user);
      return endSessions(state, only);
    },
    async login(request) {
      const user = await proven(request);
      return state.transaction(() => {
        // It may have been changed while the hash was made.
        if (findUser(state, user.name)?.password !== user.password)
          throw new SendenseError('access.refused', 'the name or the password is wrong');
        return beginSession(state, user.name, request.from);
      });
    },
    callerOf(secret, from) {
      const found = used(secret, from);
      if (!found) return undefined;
      const { user, session } = found;
      return callerOfGrant({ kind: 'session', name: user.name, isFresh: () => isFresh(session) }, user);
    },
    sessionOf(secret, from) {
      const found = used(secret, from);
      if (!found) return undefined;
      const { user, session } = found;
      return {
        user: user.name,
        roles: [...user.roles],
        rights: [...rightsOf(user.roles as readonly Role[])],
        vms: user.vms && [...user.vms],
        expires: session.created + longestMs,
        idle_ms: idleMs,
        fresh_until: session.proven + freshMs,
      };
    },
    async prove(secret, request) {
      const found = used(secret, request.from);
      if (!found) throw new SendenseError('access.login', 'the session has ended');
      await proven({ ...request, name: found.user.name });
      proveSession(state, found.session.id);
    },
    logout(secret, from) {
      const found = used(secret, from);
      if (found) endSessions(state, { id: found.session.id });
    },
  };
}

const isFresh = ({ proven }: Session): boolean => Date.now() - proven < freshMs && proven <= Date.now();

const endOf = ({ created, used }: Session): number => Math.min(created + longestMs, used + idleMs);

const nameRemedy = { remedy: 'Use letters, digits, `.`, `_` and `-`, and begin with a letter or digit.' };
