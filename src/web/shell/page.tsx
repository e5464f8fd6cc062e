import './shell.css';
import type { FunctionComponent, JSX } from 'preact';
import { signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { Trouble } from '../client/ask.ts';
import { silentSince } from '../client/freshness.ts';
import { useHubWatch } from '../client/hub-watch.ts';
import { ended, may, readSession, session } from '../client/session.ts';
import { Dialog } from '../design/dialog.tsx';
import { absolute, now } from '../design/moment.ts';
import { Empty, ErrorNotice, Notice } from '../design/notice.tsx';
import { AtProvider, LoginForm, LoginScreen } from '../screens/login/login-screen.tsx';
import { Brand } from './brand.tsx';
import { keepFocus } from './keep-focus.ts';
import { Rail } from './rail.tsx';
import { place } from './router.ts';
import { screenAt, type Screen, type ScreenProps } from './screens.ts';

/** Why nobody could be asked who is logged in. */
const unknown = signal<Trouble | undefined>(undefined);

/** Who is logged in is asked again until the hub answers, ms. */
const againMs = 3000;

async function begin(): Promise<void> {
  unknown.value = await readSession();
  if (unknown.value) window.setTimeout(() => void begin(), againMs);
}

/** The whole page: the login, or the rail and a screen. */
export function Page(): JSX.Element {
  useEffect(() => void begin(), []);
  useHubWatch(Boolean(session.value));
  if (session.value === undefined)
    return (
      <main class="main">
        {unknown.value ? (
          <>
            <Brand />
            <ErrorNotice error={unknown.value} alert />
          </>
        ) : null}
      </main>
    );
  if (session.value === null) return <LoginScreen />;
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <div class="shell">
        <Rail />
        <Content />
      </div>
      {ended.value ? (
        <Dialog title="Your session has ended">
          <p class="soft">Log in again. What you see and what you typed is still here.</p>
          <LoginForm />
          <AtProvider apart />
        </Dialog>
      ) : null}
    </>
  );
}

function Content(): JSX.Element {
  const { path } = place.value;
  const found = screenAt(path);
  const main = useRef<HTMLElement>(null);
  const begun = useRef(path);
  useLayoutEffect(() => (main.current ? keepFocus(main.current) : undefined), []);
  const shown = (at: string): void => {
    if (begun.current !== at) focusTitle(main.current);
    begun.current = at;
  };
  return (
    <main class="main" id="main" ref={main} tabIndex={-1}>
      {silentSince.value === null ? null : (
        <Notice tone="warn" alert>
          <strong>The hub has not answered since {absolute(silentSince.value, now.value)}.</strong>
          <span>What you see is older than that. The page goes on asking.</span>
        </Notice>
      )}
      {found && !may(found.screen.right) ? (
        <NotYours />
      ) : found ? (
        <Loaded key={found.screen.path} screen={found.screen} params={found.params} path={path} onShown={shown} />
      ) : (
        <NothingHere />
      )}
    </main>
  );
}

/** A new screen begins at its title: for the keyboard, and for who listens. */
function focusTitle(main: HTMLElement | null): void {
  scrollTo(0, 0);
  const title = main?.querySelector('h1');
  if (title) title.tabIndex = -1;
  (title ?? main)?.focus({ preventScroll: true });
}

/** After how long a screen that did not come is asked for again, ms. */
const retryMs = 3000;

const loaded = new Map<Screen, FunctionComponent<ScreenProps>>();

interface LoadedProps extends ScreenProps {
  readonly screen: Screen;
  readonly path: string;
  /** What is at the path is on the screen. */
  onShown(path: string): void;
}

function Loaded({ screen, params, path, onShown }: LoadedProps): JSX.Element | null {
  const ready = useRef(signal(loaded.get(screen)));
  const failed = useRef(signal(false));
  useEffect(() => {
    let again: number | undefined;
    const load = async (): Promise<void> => {
      try {
        const component = await screen.load();
        loaded.set(screen, component);
        ready.current.value = component;
      } catch {
        failed.current.value = true;
        again = window.setTimeout(() => void load(), retryMs);
      }
    };
    void load();
    return () => window.clearTimeout(again);
  }, [screen]);
  const Shown = ready.current.value;
  useEffect(() => {
    if (Shown) onShown(path);
  }, [Shown, path]);
  if (Shown) return <Shown params={params} />;
  if (!failed.current.value) return null;
  return (
    <Notice tone="bad" alert>
      <strong>This screen could not be loaded.</strong>
      <span>
        The page tries again every few seconds.{' '}
        {silentSince.value === null
          ? 'If the hub answers, it may have been upgraded since you opened the page: reload it.'
          : 'The screen comes when the hub answers.'}
      </span>
    </Notice>
  );
}

const NotYours = (): JSX.Element => (
  <>
    <h1>This is not for you</h1>
    <Empty title="Your roles do not allow this screen.">
      An administrator can give you another role. <a href="/account">What you may do</a>
    </Empty>
  </>
);

const NothingHere = (): JSX.Element => (
  <>
    <h1>There is nothing here</h1>
    <Empty title="No screen has this address.">
      <a href="/">Go to Status</a>
    </Empty>
  </>
);
