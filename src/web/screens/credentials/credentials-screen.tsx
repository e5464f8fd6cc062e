import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { CredentialsOutput } from '../../../schemas/types.ts';
import { useLive } from '../../client/live.ts';
import { Empty, Notice } from '../../design/notice.tsx';
import { Table, type Column } from '../../design/table.tsx';
import { plain, Text } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';
import { TroubleNotice } from '../../design/trouble.tsx';
import { useTitle } from '../../shell/titled.ts';
import {
  AddCredential,
  ChangePassword,
  RemoveCredential,
  TestCredential,
  type Credential,
} from './credential-acts.tsx';

interface Asked {
  readonly act: 'password' | 'test' | 'remove';
  readonly credential: Credential;
}

const acts = [
  { act: 'test', word: 'Test' },
  { act: 'password', word: 'New password' },
  { act: 'remove', word: 'Remove' },
] as const;

const columns = (open: (asked: Asked) => void): readonly Column<Credential>[] => [
  { id: 'name', title: 'Name', cell: ({ name }) => <Text of={name} /> },
  { id: 'user', title: 'User', named: true, cell: ({ user }) => <Text of={user ?? 'cannot be read'} /> },
  { id: 'used', title: 'Used by', cell: ({ used_by: users }) => <Text of={usersOf(users)} /> },
  { id: 'updated', title: 'Password since', cell: ({ updated }) => <Time at={updated} /> },
  {
    id: 'problem',
    title: 'What is wrong',
    wide: true,
    cell: ({ problem }) => (problem === null ? '' : <Text of={problem} />),
  },
  {
    id: 'acts',
    title: 'Change',
    cell: (credential) => (
      <span class="row-acts">
        {acts.map(({ act, word }) => (
          <button
            key={act}
            type="button"
            class="button small"
            aria-label={`${word}: ${plain(credential.name)}`}
            onClick={() => open({ act, credential })}
          >
            {word}
          </button>
        ))}
      </span>
    ),
  },
];

const usersOf = ({ sources, plans }: Credential['used_by']): string =>
  [...sources.map((source) => `source ${source}`), ...plans.map((plan) => `plan ${plan.split('/').at(-1) ?? ''}`)].join(
    ', ',
  ) || 'nobody';

/** The logins that the hub keeps for sources. Passwords go in, and never come out. */
export function CredentialsScreen(): JSX.Element {
  useTitle('Credentials');
  const live = useLive<CredentialsOutput>('/api/v1/credentials', { topics: ['status'] });
  const adding = useSignal(false);
  const asked = useSignal<Asked | null>(null);
  const close = (): void => void (asked.value = null);
  const credentials = live.data.value?.credentials;
  const now = asked.value;
  const props = now && { credential: now.credential, onClose: close, onChange: live.again };
  return (
    <>
      <header>
        <div class="page-head">
          <h1>Credentials</h1>
          <button type="button" class="button primary" onClick={() => (adding.value = true)}>
            Add a credential
          </button>
        </div>
      </header>
      <TroubleNotice of={live.trouble.value} />
      {credentials === undefined ? null : credentials.length === 0 ? (
        <Empty title="The hub keeps no password.">
          Add one, and name it at a source of sendense.yaml: <code>credential: NAME</code>.
        </Empty>
      ) : (
        <Table
          caption="Credentials"
          columns={columns((wanted) => (asked.value = wanted))}
          rows={credentials}
          keyOf={({ name }) => name}
        />
      )}
      <Notice tone="idle">
        <span>Passwords are kept encrypted. Nobody can read them here, only replace them.</span>
      </Notice>
      {adding.value ? <AddCredential onClose={() => (adding.value = false)} onChange={live.again} /> : null}
      {props && now.act === 'password' ? <ChangePassword {...props} /> : null}
      {props && now.act === 'test' ? <TestCredential {...props} /> : null}
      {props && now.act === 'remove' ? <RemoveCredential {...props} /> : null}
    </>
  );
}
