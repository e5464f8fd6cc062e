import './login.css';
import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { ErrorOutput, LoginWays } from '../../../schemas/types.ts';
import { ask, type Trouble } from '../../client/ask.ts';
import { atProvider, logIn, readSession } from '../../client/session.ts';
import { ErrorNotice } from '../../design/notice.tsx';
import { plain } from '../../design/text.tsx';
import { place } from '../../shell/router.ts';
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
        <WhyNot />
        <LoginForm />
        <AtProvider />
        <p class="soft">
          No user yet? On the hub, run <code>sendense-run user add NAME</code>.
        </p>
      </main>
    </div>
  );
}

/** What an identity provider's login ended with, by the code that the hub leads back with. */
const reasons: Readonly<Record<string, { readonly message: string; readonly remedy: string }>> = {
  'access.oidc': {
    message: 'The login at the identity provider cannot be taken.',
    remedy: 'Begin it again, in one window and without the back button. If it fails again, ask an administrator.',
  },
  'access.groups': {
    message: 'The identity provider knows you, and none of your groups has a role here.',
    remedy: 'Ask an administrator for a group that has one.',
  },
  'access.provider': {
    message: 'The hub cannot ask the identity provider.',
    remedy: 'Try again in a minute. With a password of this hub you get in all the same.',
  },
};

function WhyNot(): JSX.Element | null {
  const code = place.value.query.get('login') ?? '';
  const why = Object.hasOwn(reasons, code) ? reasons[code] : undefined;
  return why ? <ErrorNotice error={{ ...why, code, position: null } as ErrorOutput} alert /> : null;
}

/** The hub is asked again after so long, ms. */
const againMs = 3000;

/** The other way in, where the hub has one. `apart`: in a window of its own, so that this one keeps what is on it. */
export function AtProvider({ apart = false }: { readonly apart?: boolean }): JSX.Element | null {
  const name = useSignal<string | null>(null);
  useEffect(() => {
    let timer: number | undefined;
    const gone = new AbortController();
    const read = async (): Promise<void> => {
      const answer = await ask<LoginWays>('/api/v1/session/ways', { signal: gone.signal }).catch(() => null);
      if (gone.signal.aborted) return;
      if (answer?.ok === true) name.value = answer.body.oidc?.name ?? null;
      else timer = window.setTimeout(() => void read(), againMs);
    };
    void read();
    return () => {
      gone.abort();
      window.clearTimeout(timer);
    };
  }, []);
  useEffect(() => {
    if (!apart) return undefined;
    const look = (): void => {
      if (document.visibilityState === 'visible') void readSession();
    };
    document.addEventListener('visibilitychange', look);
    return () => document.removeEventListener('visibilitychange', look);
  }, [apart]);
  if (name.value === null) return null;
  const { path, query } = place.value;
  const text = new URLSearchParams([...query].filter(([key]) => key !== 'login')).toString();
  return (
    <p>
      <a
        class="button"
        href={atProvider(apart ? '/account' : `${path}${text === '' ? '' : `?${text}`}`)}
        target={apart ? '_blank' : ''}
        rel="noopener"
      >
        Log in with {plain(name.value)}
      </a>
    </p>
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
