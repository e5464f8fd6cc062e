import '../users/users.css';
import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { OwnPasswordRequest, SessionsEnded, SessionsOutput } from '../../../schemas/types.ts';
import { ask, type Trouble } from '../../client/ask.ts';
import { useLive } from '../../client/live.ts';
import { session } from '../../client/session.ts';
import { ErrorNotice, Notice } from '../../design/notice.tsx';
import { Time } from '../../design/time.tsx';
import { useTitle } from '../../shell/titled.ts';
import { Roles, Vms } from '../users/grants.tsx';
import { Listed } from '../users/listed.tsx';
import { Sessions } from '../users/sessions.tsx';
import { NewPassword } from '../users/user-acts.tsx';

const place = '/api/v1/account/sessions';

/** What everybody may see and change of oneself. */
export function AccountScreen(): JSX.Element {
  useTitle('Your account');
  const list = useLive<SessionsOutput>(place, { everyMs: 10_000 });
  const told = useSignal('');
  const trouble = useSignal<Trouble | undefined>(undefined);
  const others = (list.data.value?.sessions.length ?? 1) - 1;
  const endOthers = async (): Promise<void> => {
    const answer = await ask<SessionsEnded>(place, { method: 'DELETE' });
    trouble.value = answer.ok === false ? answer.trouble : undefined;
    if (answer.ok === true) told.value = sessionsEnded(answer.body.ended);
    list.again();
  };
  return (
    <>
      <header class="page-head">
        <h1>Your account</h1>
      </header>
      <Who />
      <Listed
        title="Where you are logged in"
        trouble={list.trouble.value ?? trouble.value}
        empty={null}
        {...(others > 0 ? { act: 'Log out everywhere else', onAct: () => void endOthers() } : {})}
      >
        <span role="status" class={told.value === '' ? 'only-read' : 'soft'}>
          {told.value}
        </span>
        <Sessions list={list} place={place} withUser={false} />
      </Listed>
      {session.value?.kind === 'local' ? <Password onChanged={list.again} /> : <Elsewhere />}
    </>
  );
}

const sessionsEnded = (count: number): string =>
  count === 1 ? 'The other session has ended.' : `${count} other sessions have ended.`;

function Who(): JSX.Element | null {
  const who = session.value;
  if (!who) return null;
  return (
    <dl class="account-facts">
      <dt>Name</dt>
      <dd>
        <bdi>{who.user}</bdi>
      </dd>
      <dt>May do</dt>
      <dd>
        <Roles roles={who.roles} />
      </dd>
      <dt>VMs</dt>
      <dd>
        <Vms vms={who.vms} />
      </dd>
      <dt>This session ends</dt>
      <dd>
        <Time at={who.expires} />
      </dd>
    </dl>
  );
}

const Elsewhere = (): JSX.Element => (
  <Listed title="Your password" trouble={undefined} empty={null}>
    <p class="soft">The hub does not know your password. Change it where you log in.</p>
  </Listed>
);

function Password({ onChanged }: { onChanged(): void }): JSX.Element {
  const trouble = useSignal<Trouble | undefined>(undefined);
  const busy = useSignal(false);
  const done = useSignal(false);
  const submit = async (form: HTMLFormElement): Promise<void> => {
    const given = new FormData(form);
    busy.value = true;
    const body: OwnPasswordRequest = { present: String(given.get('present')), password: String(given.get('chosen')) };
    const answer = await ask('/api/v1/account/password', { method: 'PUT', body });
    busy.value = false;
    done.value = answer.ok === true;
    trouble.value = answer.ok === false ? answer.trouble : undefined;
    if (!done.value) return;
    form.reset();
    onChanged();
  };
  return (
    <Listed title="Your password" trouble={undefined} empty={null}>
      <form
        class="act-form narrow"
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy.value) void submit(event.currentTarget);
        }}
      >
        <input
          class="only-read"
          name="username"
          autocomplete="username"
          value={session.value?.user}
          readOnly
          tabIndex={-1}
          aria-hidden="true"
        />
        <label class="field">
          <span>Your password now</span>
          <input class="input" name="present" type="password" autocomplete="current-password" required />
        </label>
        <NewPassword title="New password" />
        {trouble.value ? <ErrorNotice error={trouble.value} alert /> : null}
        {done.value ? (
          <Notice tone="idle" alert>
            <strong>Your password is changed.</strong>
            <span>You are logged out everywhere else.</span>
          </Notice>
        ) : null}
        <div class="act-buttons">
          <button type="submit" class="button primary" aria-disabled={busy.value}>
            {busy.value ? 'Asking the hub…' : 'Change password'}
          </button>
        </div>
      </form>
    </Listed>
  );
}
