import { matches } from '../../api/etags.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { isName } from '../../plan/names.ts';
import type { UsersOutput } from '../../schemas/types.ts';
import { listSessions } from '../../state/access/sessions.ts';
import {
  addUser,
  changeUser,
  findUser,
  listUsers,
  removeUser,
  requireUser,
  versionOfUser,
  type ChangeRules,
  type User,
} from '../../state/access/users.ts';
import type { State } from '../../state/database/open-state.ts';
import { checkedGrant, type Granted } from './granted.ts';
import { assertGood, hashOf } from './password.ts';

/** What a change of a user must not do. */
export interface ChangeGuard {
  /** It was made from this version of the user, as `version` gives it; `*`: from any. */
  readonly from?: string | undefined;
  /** Somebody stays who may log in here and do everything. */
  readonly keepAdmin?: boolean;
}

/** Who may log in at the hub. No answer holds a password or its hash. */
export interface Users {
  /** @param name only this one @throws SendenseError `access.user` */
  users(name?: string): UsersOutput;
  isUser(name: string): boolean;
  /** Another text once somebody has changed what the user may do; an ETag. @throws SendenseError `access.user` */
  version(name: string): string;
  /** Throws what `addUser` or `setPassword` would throw about the name; for before a password is asked for. */
  checkName(name: string, wanted: 'new' | 'known'): void;
  /** @throws SendenseError `usage` for roles that there are not, or that do not fit */
  checkGranted(granted: Granted): void;
  /** @throws SendenseError `usage`, `access.exists`, `access.password` */
  addUser(name: string, password: string, granted: Granted): Promise<UsersOutput>;
  /** Ends the user's sessions. @throws SendenseError `access.user`, `access.password`, `access.elsewhere` */
  setPassword(name: string, password: string): Promise<UsersOutput>;
  /** Ends the user's sessions. @throws SendenseError `access.user`, `access.changed`, `access.last-admin`, `usage` */
  setRoles(name: string, granted: Granted, guard?: ChangeGuard): UsersOutput;
  /** Whether the user may log in; ends the sessions. @throws SendenseError `access.user`, `access.changed`, `access.last-admin` */
  setDisabled(name: string, disabled: boolean, guard?: ChangeGuard): UsersOutput;
  /** @throws SendenseError `access.user`, `access.changed`, `access.last-admin` */
  removeUser(name: string, guard?: ChangeGuard): UsersOutput;
}

export function manageUsers(state: State): Users {
  const users = (only?: string): UsersOutput => ({
    version: 1,
    users: (only === undefined ? listUsers(state) : [requireUser(state, only)]).map((user) => shown(state, user)),
  });
  const checkName: Users['checkName'] = (name, wanted) => {
    if (wanted === 'known') return assertOwnPassword(requireUser(state, name));
    if (!isName(name) || isOwnName(name))
      throw new SendenseError('usage', `${JSON.stringify(name)} cannot be the name of a user`, nameRemedy);
    if (findUser(state, name)) throw new SendenseError('access.exists', `there is a user ${name} already`);
  };
  const rules = (guard: ChangeGuard, staysAdmin: boolean): ChangeRules => ({
    check: (user) => assertMayChange(state, user, guard, staysAdmin),
  });
  return {
    users,
    isUser: (name) => findUser(state, name) !== undefined,
    version: (name) => versionOfUser(requireUser(state, name)),
    checkName,
    checkGranted: (granted) => void checkedGrant(granted),
    async addUser(name, password, granted) {
      checkName(name, 'new');
      const checked = checkedGrant(granted);
      assertGood(password);
      addUser(state, { name, password: await hashOf(password), ...checked });
      return users(name);
    },
    async setPassword(name, password) {
      checkName(name, 'known');
      assertGood(password);
      changeUser(state, name, { password: await hashOf(password) }, { check: assertOwnPassword });
      return users(name);
    },
    setRoles(name, granted, guard = {}) {
      const checked = checkedGrant(granted);
      changeUser(state, name, checked, rules(guard, checked.roles.includes('admin')));
      return users(name);
    },
    setDisabled(name, disabled, guard = {}) {
      changeUser(state, name, { disabled: disabled ? Date.now() : null }, rules(guard, !disabled));
      return users(name);
    },
    removeUser(name, guard = {}) {
      const gone = users(name);
      removeUser(state, name, rules(guard, false));
      return gone;
    },
  };
}

const shown = (state: State, user: User): UsersOutput['users'][number] => {
  const { password: _password, subject: _subject, roles, vms, ...rest } = user;
  return { ...rest, roles: [...roles], vms: vms && [...vms], sessions: listSessions(state, user.name).length };
};

/** What an identity provider says of roles may change at any time: only those count whom this hub knows by itself. */
const isAdmin = ({ roles, disabled, kind }: User): boolean =>
  roles.includes('admin') && disabled === null && kind === 'local';

function assertMayChange(state: State, user: User, { from, keepAdmin }: ChangeGuard, staysAdmin: boolean): void {
  if (from !== undefined && !matches(from, versionOfUser(user)))
    throw new SendenseError('access.changed', `user ${user.name} is not as it was when the change was made`);
  if (keepAdmin !== true || staysAdmin || !isAdmin(user)) return;
  if (listUsers(state).some((other) => other.name !== user.name && isAdmin(other))) return;
  throw new SendenseError('access.last-admin', `${user.name} is the last user with a password here and the role admin`);
}

/** @throws SendenseError `access.elsewhere` */
export function assertOwnPassword({ name, kind }: User): void {
  if (kind === 'local') return;
  throw new SendenseError('access.elsewhere', `${name} logs in at an identity provider, and has no password here`);
}

/** What logs call those who have a file of the hub: nobody else is to look like them. */
export const isOwnName = (name: string): boolean => /^hub-(?:api|metrics)(?:\.token)?$/i.test(name);

const nameRemedy = {
  remedy:
    'Use letters, digits, `.`, `_` and `-`, and begin with a letter or digit. `hub-api` and `hub-metrics` are of the hub itself.',
};
