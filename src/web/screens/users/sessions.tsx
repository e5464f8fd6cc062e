import type { ComponentChildren, JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { SessionsOutput } from '../../../schemas/types.ts';
import { ask, type Trouble } from '../../client/ask.ts';
import type { Live } from '../../client/live.ts';
import { ErrorNotice } from '../../design/notice.tsx';
import { Table, type Column } from '../../design/table.tsx';
import { plain, Text } from '../../design/text.tsx';
import { Time } from '../../design/time.tsx';

type Session = SessionsOutput['sessions'][number];

const browsers = [
  ['Edg/', 'Edge'],
  ['Firefox/', 'Firefox'],
  ['Chrome/', 'Chrome'],
  ['Safari/', 'Safari'],
] as const;
const systems = [
  ['Windows', 'Windows'],
  ['Android', 'Android'],
  ['iPhone', 'iPhone'],
  ['Mac OS', 'macOS'],
  ['Linux', 'Linux'],
] as const;

/** `Firefox on Linux`; what it calls itself where that is nothing we know. */
export function browserOf(agent: string | null): string {
  if (agent === null) return 'unknown';
  const [browser, system] = [browsers, systems].map((all) => all.find(([sign]) => agent.includes(sign))?.[1]);
  if (browser === undefined) return plain(agent);
  return system === undefined ? browser : `${browser} on ${system}`;
}

export interface SessionsProps {
  readonly list: Live<SessionsOutput>;
  /** Where its sessions are ended: `DELETE PLACE/ID`. */
  readonly place: string;
  /** Whose they are. */
  readonly withUser: boolean;
  onEnded?(): void;
}

/** Who is logged in, from where, and a way to end each. */
export function Sessions({ list, place, withUser, onEnded }: SessionsProps): JSX.Element {
  const trouble = useSignal<Trouble | undefined>(undefined);
  const end = async (id: string): Promise<void> => {
    const answer = await ask(`${place}/${encodeURIComponent(id)}`, { method: 'DELETE' });
    trouble.value = answer.ok === false ? answer.trouble : undefined;
    list.again();
    onEnded?.();
  };
  const { sessions = [], current = null } = list.data.value ?? {};
  return (
    <>
      {trouble.value ? <ErrorNotice error={trouble.value} alert /> : null}
      <Table
        caption="Sessions, the newest first"
        columns={columns(current, withUser, (id) => void end(id))}
        rows={sessions}
        keyOf={({ id }) => id}
      />
    </>
  );
}

const here = (id: string, current: string | null): ComponentChildren =>
  id === current ? <span class="soft"> (this one)</span> : null;

function columns(current: string | null, withUser: boolean, end: (id: string) => void): readonly Column<Session>[] {
  const whose: Column<Session> = {
    id: 'user',
    title: 'User',
    cell: ({ user, id }) => (
      <>
        <Text of={user} />
        {here(id, current)}
      </>
    ),
  };
  return [
    ...(withUser ? [whose] : []),
    {
      id: 'browser',
      title: 'Browser',
      cell: ({ agent, id }) => (
        <>
          <span title={plain(agent ?? '')}>{browserOf(agent)}</span>
          {withUser ? null : here(id, current)}
        </>
      ),
    },
    { id: 'address', title: 'From', named: true, cell: ({ address }) => <Text of={address ?? 'unknown'} /> },
    { id: 'since', title: 'Since', cell: ({ created }) => <Time at={created} /> },
    { id: 'used', title: 'Last used', cell: ({ used }) => <Time at={used} /> },
    {
      id: 'acts',
      title: 'Change',
      numeric: true,
      cell: ({ id, user, agent }) =>
        id === current ? (
          ''
        ) : (
          <span class="row-acts">
            <button
              type="button"
              class="button small"
              aria-label={`End: ${user}, ${browserOf(agent)}`}
              onClick={() => end(id)}
            >
              End
            </button>
          </span>
        ),
    },
  ];
}
