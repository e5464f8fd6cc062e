import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { UsersOutput } from '../../../schemas/types.ts';
import { useLive } from '../../client/live.ts';
import { session } from '../../client/session.ts';
import { StatusMark, type Look } from '../../design/status-mark.tsx';
import { Table, type Column } from '../../design/table.tsx';
import { Text } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';
import { Roles, Vms } from './grants.tsx';
import { Listed } from './listed.tsx';
import { AddUser, AskAbout, SetPassword, SetRoles, type Asked, type User } from './user-acts.tsx';

type Act = Asked | 'roles' | 'password';

interface Open {
  readonly act: Act;
  readonly name: string;
}

const disabled: Look = { shape: 'slash', tone: 'idle', word: 'disabled' };

const words: Readonly<Record<Act, string>> = {
  roles: 'Roles',
  password: 'Password',
  logOut: 'Log out',
  disable: 'Disable',
  enable: 'Enable',
  remove: 'Remove',
};

/** What can be done about a user, as it is. */
const actsOf = ({ kind, sessions, disabled: since }: User): readonly Act[] => [
  ...(kind === 'local' ? (['roles', 'password'] as const) : []),
  ...(sessions > 0 ? (['logOut'] as const) : []),
  since === null ? 'disable' : 'enable',
  'remove',
];

const columns = (open: (what: Open) => void): readonly Column<User>[] => [
  {
    id: 'name',
    title: 'Name',
    named: true,
    cell: ({ name, kind }) => (
      <>
        <Text of={name} />
        {name === session.value?.user ? <span class="soft"> (you)</span> : null}
        {kind === 'oidc' ? <span class="soft"> (identity provider)</span> : null}
      </>
    ),
  },
  { id: 'roles', title: 'May do', cell: (user) => <Roles roles={user.roles} /> },
  { id: 'vms', title: 'VMs', cell: (user) => <Vms vms={user.vms} /> },
  {
    id: 'sessions',
    title: 'Logged in',
    cell: (user) =>
      user.disabled !== null ? (
        <StatusMark look={disabled} />
      ) : user.sessions === 0 ? (
        <span class="soft">no</span>
      ) : (
        `${user.sessions} ${user.sessions === 1 ? 'session' : 'sessions'}`
      ),
  },
  { id: 'changed', title: 'Changed', cell: (user) => <Time at={user.changed} /> },
  {
    id: 'acts',
    title: 'Change',
    numeric: true,
    cell: (user) => (
      <span class="row-acts">
        {actsOf(user).map((act) => (
          <button
            key={act}
            type="button"
            class="button small"
            aria-label={`${words[act]}: ${user.name}`}
            onClick={() => open({ act, name: user.name })}
          >
            {words[act]}
          </button>
        ))}
      </span>
    ),
  },
];

/** Who may log in, and all that an administrator can do about it. */
export function Users({ onChange }: { onChange(): void }): JSX.Element {
  const list = useLive<UsersOutput>('/api/v1/users', { everyMs: 10_000 });
  const adding = useSignal(false);
  const open = useSignal<Open | null>(null);
  const close = (): void => void (open.value = null);
  const done = (): void => {
    list.again();
    onChange();
  };
  return (
    <Listed
      title="Users"
      act="Add a user"
      onAct={() => (adding.value = true)}
      trouble={list.trouble.value}
      empty={
        list.data.value?.users.length === 0 ? { title: 'There is no user yet.', next: 'Add one for yourself.' } : null
      }
    >
      {list.data.value ? (
        <Table
          caption="Users"
          columns={columns((what) => (open.value = what))}
          rows={list.data.value.users}
          keyOf={({ name }) => name}
        />
      ) : null}
      {adding.value ? <AddUser onClose={() => (adding.value = false)} onDone={done} /> : null}
      {open.value ? <ActOn open={open.value} onClose={close} onDone={done} /> : null}
    </Listed>
  );
}

function ActOn({ open: { act, name }, ...on }: { readonly open: Open; onClose(): void; onDone(): void }): JSX.Element {
  if (act === 'roles') return <SetRoles name={name} {...on} />;
  if (act === 'password') return <SetPassword name={name} {...on} />;
  return <AskAbout what={act} name={name} {...on} />;
}
