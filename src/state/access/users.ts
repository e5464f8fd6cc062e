import { createHash } from 'node:crypto';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { State } from '../database/open-state.ts';

/** Somebody who may log in at the hub. */
export interface User {
  readonly name: string;
  /** Its hash; empty for who has none here. */
  readonly password: string;
  readonly roles: readonly string[];
  /** Patterns; null: all VMs. */
  readonly vms: readonly string[] | null;
  readonly created: number;
  readonly changed: number;
  /** Since when the user may not log in; null: may. */
  readonly disabled: number | null;
  /** Who knows the password: this hub, or an identity provider. */
  readonly kind: 'local' | 'oidc';
  /** What an identity provider calls the user. */
  readonly subject: string | null;
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

/** Another text once somebody has changed what the user may do. A weak ETag: the password may change meanwhile. */
export const versionOfUser = ({ name, created, roles, vms, disabled }: User): string =>
  `W/"${createHash('sha256')
    .update(JSON.stringify([name, created, roles, vms, disabled]))
    .digest('base64url')
    .slice(0, 22)}"`;

/** @throws SendenseError `access.exists` */
export function addUser(
  state: State,
  { name, password, roles, vms, kind = 'local', subject = null }: NewUser,
  now = Date.now(),
): void {
  state.transaction(() => {
    if (findUser(state, name)) throw new SendenseError('access.exists', `there is a user ${name} already`);
    const values = { name, password, ...columns({ roles, vms }), created: now, changed: now };
    state.run(state.query.insertInto('users').values({ ...values, disabled: null, kind, subject }));
  });
}

type NewUser = Pick<User, 'name' | 'password' | 'roles' | 'vms'> & Partial<Pick<User, 'kind' | 'subject'>>;

export type UserChange = Pick<User, 'password'> | Pick<User, 'roles' | 'vms'> | Pick<User, 'disabled'>;

export interface ChangeRules {
  /** Looks at the user as it is before the change; throws to leave it so. */
  readonly check?: ((user: User) => void) | undefined;
  /** A session that goes on, by its id. */
  readonly keep?: string | undefined;
}

/** Also ends the user's sessions. @throws SendenseError `access.user` */
export function changeUser(
  state: State,
  name: string,
  change: UserChange,
  { check, keep = '' }: ChangeRules = {},
): void {
  const set = 'roles' in change ? columns(change) : change;
  state.transaction(() => {
    const user = requireUser(state, name);
    check?.(user);
    const changed = { ...set, changed: Date.now() };
    state.run(state.query.updateTable('users').set(changed).where('name', '=', name));
    state.run(state.query.deleteFrom('sessions').where('user', '=', name).where('id', '!=', keep));
  });
}

/** With all sessions. @throws SendenseError `access.user` */
export function removeUser(state: State, name: string, { check }: Pick<ChangeRules, 'check'> = {}): void {
  state.transaction(() => {
    const user = requireUser(state, name);
    check?.(user);
    state.run(state.query.deleteFrom('sessions').where('user', '=', name));
    state.run(state.query.deleteFrom('users').where('name', '=', name));
  });
}

const columns = ({ roles, vms }: Pick<User, 'roles' | 'vms'>): { roles: string; vms: string | null } => ({
  roles: JSON.stringify(roles),
  vms: vms && JSON.stringify(vms),
});
