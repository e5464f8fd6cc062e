import './login.css';
import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import type { Trouble } from '../../client/ask.ts';
import { logIn } from '../../client/session.ts';
import { ErrorNotice } from '../../design/notice.tsx';
import { useTitle } from '../../shell/titled.ts';

/** Where who is not logged in begins. */
export function LoginScreen(): JSX.Element {
  useTitle('Log in');
  return (
    <div class="login">
      <div class="login-art" aria-hidden="true">
        <svg viewBox="4 3 16 18">
          <rect x="4" y="3" width="16" height="4" rx="1" />
          <rect x="4" y="7.75" width="4" height="1.5" />
          <rect x="4" y="10" width="16" height="4" rx="1" />
          <rect x="16" y="14.75" width="4" height="1.5" />
          <rect x="4" y="17" width="16" height="4" rx="1" />
        </svg>
      </div>
      <main class="login-main">
        <h1>Log in to Sendense</h1>
        <LoginForm />
        <p class="soft">
          No user yet? On the hub, run <code>sendense-run user add NAME</code>.
        </p>
      </main>
    </div>
  );
}

/** Name and password. What was typed stays when the hub refuses it. */
export function LoginForm(): JSX.Element {
  const trouble = useSignal<Trouble | undefined>(undefined);
  const busy = useSignal(false);
  const submit = async (form: HTMLFormElement): Promise<void> => {
    const given = new FormData(form);
    busy.value = true;
    trouble.value = await logIn(String(given.get('name')), String(given.get('password')));
    busy.value = false;
    if (trouble.value) form.querySelector<HTMLInputElement>('[name=password]')?.select();
  };
  return (
    <form
      class="login-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy.value) void submit(event.currentTarget);
      }}
    >
      {trouble.value ? <ErrorNotice error={trouble.value} alert /> : null}
      <label class="field">
        <span>Name</span>
        <input
          class="input"
          name="name"
          autocomplete="username"
          required
          autofocus
          spellcheck={false}
          autocapitalize="none"
        />
      </label>
      <label class="field">
        <span>Password</span>
        <input class="input" name="password" type="password" autocomplete="current-password" required />
      </label>
      <button type="submit" class="button primary" aria-disabled={busy.value}>
        {busy.value ? 'Logging in…' : 'Log in'}
      </button>
    </form>
  );
}
