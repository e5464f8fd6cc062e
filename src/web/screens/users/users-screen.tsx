import './users.css';
import type { JSX } from 'preact';
import type { SessionsOutput } from '../../../schemas/types.ts';
import { useLive } from '../../client/live.ts';
import { useTitle } from '../../shell/titled.ts';
import { Listed } from './listed.tsx';
import { Sessions } from './sessions.tsx';
import { Tokens } from './tokens.tsx';
import { Users } from './users.tsx';

/** Who may do what, who is logged in, and what scripts have. */
export function UsersScreen(): JSX.Element {
  useTitle('Users and tokens');
  const sessions = useLive<SessionsOutput>('/api/v1/sessions', { everyMs: 10_000 });
  return (
    <>
      <header class="page-head">
        <h1>Users and tokens</h1>
      </header>
      <Users onChange={sessions.again} />
      <Listed title="Who is logged in" trouble={sessions.trouble.value} empty={null}>
        <Sessions list={sessions} place="/api/v1/sessions" withUser />
      </Listed>
      <Tokens />
    </>
  );
}
