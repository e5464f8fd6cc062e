import { SendenseError } from '../../errors/sendense-error.ts';
import type { State } from '../database/open-state.ts';

/** Somebody who may log in at the hub. */
export interface User {
  readonly name: string;
  /** Its hash. */
  readonly password: string;
  readonly roles: readonly string[];
  /** Patterns; null: all VMs. */
  readonly vms: readonly string[] | null;
  readonly created: number;
  readonly changed: number;
}

/** All, by name. */
export const listUsers = (state: State): User[] =>
  state.all(state.query.selectFrom('users').selectAll().orderBy('name')).map(({ roles, vms, ...row }) => ({
    ...row,
    roles: JSON.parse(roles) as string[],
    vms: vms === null ? null : (JSON.parse(vms) as string[]),
  }));

export const findUser = (state: State, name: string): User | undefined =>
  listUsers(state).find((user) => user.name === name);

/** @throws SendenseError `access.user` */
export function requireUser(state: State, name: string): User {
  const user = findUser(state, name);
  if (user) return user;
  throw new SendenseError('access.user', `there is no user ${name}`);
}

/** @throws SendenseError `access.exists` */
export function addUser(state: State, { name, password, roles, vms }: Omit<User, 'created' | 'changed'>): void {
  const now = Date.now();
  state.transaction(() => {
    if (findUser(state, name)) throw new SendenseError('access.exists', `there is a user ${name} already`);
    const values = { name, password, ...columns({ roles, vms }), created: now, changed: now };
    state.run(state.query.insertInto('users').values(values));
  });
}

/** Also ends the user's sessions. @throws SendenseError `access.user` */
export function changeUser(
  state: State,
  name: string,
  change: Pick<User, 'password'> | Pick<User, 'roles' | 'vms'>,
): void {
  const set = 'password' in change ? { password: change.password } : columns(change);
  state.transaction(() => {
    requireUser(state, name);
    state.run(
      state.query
        .updateTable('users')
        .set({ ...set, changed: Date.now() })
        .where('name', '=', name),
    );
    state.run(state.query.deleteFrom('sessions').where('user', '=', name));
  });
}

/** With all sessions. @throws SendenseError `access.user` */
export function removeUser(state: State, name: string): void {
  state.transaction(() => {
    requireUser(state, name);
    state.run(state.query.deleteFrom('sessions').where('user', '=', name));
    state.run(state.query.deleteFrom('users').where('name', '=', name));
  });
}

const columns = ({ roles, vms }: Pick<User, 'roles' | 'vms'>): { roles: string; vms: string | null } => ({
  roles: JSON.stringify(roles),
  vms: vms && JSON.stringify(vms),
});
