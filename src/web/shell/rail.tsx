import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { logOut, may, session } from '../client/session.ts';
import { stopEvents } from '../client/events.ts';
import { heard, way, type Way } from '../client/freshness.ts';
import { now, relative } from '../design/moment.ts';
import { Text } from '../design/text.tsx';
import { Brand } from './brand.tsx';
import { place } from './router.ts';
import { groups, screenAt, screens } from './screens.ts';
import { theme, themes } from './theme.ts';

/** The mark, the navigation, who is logged in. On narrow screens a bar with a menu. */
export function Rail(): JSX.Element {
  const open = useSignal(false);
  const bar = useRef<HTMLDivElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  const { path } = place.value;
  useEffect(() => void (open.value = false), [path]);
  // With the menu, not after it: the focus may leave at once.
  useLayoutEffect(() => {
    if (!open.value) return undefined;
    const gone = new AbortController();
    const escape = ({ key }: KeyboardEvent): void => {
      if (key !== 'Escape' || document.querySelector('dialog[open]')) return;
      open.value = false;
      bar.current?.querySelector('button')?.focus();
    };
    // What the menu covers cannot have the focus unseen.
    const leave = ({ target }: FocusEvent): void => {
      const inside = [bar, menu].some(({ current }) => current?.contains(target as Node));
      // A question that a link of it asked gives the focus back.
      if (!inside && !(target as Element).closest('dialog')) open.value = false;
    };
    document.addEventListener('keydown', escape, gone);
    document.addEventListener('focusin', leave, gone);
    return () => gone.abort();
  }, [open.value]);
  return (
    <>
      <div class="bar" ref={bar}>
        <Brand />
        <button
          type="button"
          class="button small"
          aria-expanded={open.value}
          aria-controls="rail"
          onClick={() => (open.value = !open.value)}
        >
          Menu
        </button>
      </div>
      <div id="rail" class={`rail ${open.value ? 'open' : ''}`} ref={menu}>
        <Brand />
        <Navigation path={path} />
        <Foot />
      </div>
    </>
  );
}

function Navigation({ path }: { readonly path: string }): JSX.Element {
  const { screen } = screenAt(path) ?? {};
  const current = screen?.below ?? screen?.path;
  return (
    <nav class="nav" aria-label="Screens">
      {groups.map((group) => {
        const those = screens.filter((one) => one.group === group && may(one.right));
        return those.length === 0 ? null : (
          <section key={group}>
            <h2>{group}</h2>
            <ul>
              {those.map((one) => (
                <li key={one.path}>
                  <a href={one.path} aria-current={one.path === current ? 'page' : undefined}>
                    {one.title}
                  </a>
                </li>
              ))}
            </ul>
          </section>
        );
      })}
    </nav>
  );
}

const ways = { events: 'Live', polling: 'Every few seconds', silent: 'The hub is silent' } as const;

/** What is shown is never older than this, ms, or the foot says how old it is. */
const freshMs = 2000;

function Behind({ way: how, at }: { readonly way: Way; readonly at: number | null }): JSX.Element | null {
  const time = useSignal(Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => (time.value = Date.now()), 1000);
    return () => window.clearInterval(timer);
  }, []);
  const age = at === null ? 0 : time.value - at;
  if (age <= freshMs || at === null) return null;
  if (age < 60_000) return <>, read {Math.round(age / 1000)} s ago</>;
  return (
    <>
      , {how === 'silent' ? 'last heard' : 'read'} {relative(at, now.value)}
    </>
  );
}

function Foot(): JSX.Element {
  const at = heard.value;
  return (
    <div class="rail-foot">
      <span class="pulse" data-way={way.value}>
        {ways[way.value]}
        <Behind way={way.value} at={at} />
      </span>
      <div class="row">
        <a href="/account" aria-current={place.value.path === '/account' ? 'page' : undefined}>
          <Text of={session.value?.user ?? ''} />
        </a>
        <button
          type="button"
          class="button quiet small"
          onClick={() => {
            stopEvents();
            void logOut();
          }}
        >
          Log out
        </button>
      </div>
      <div class="themes" role="group" aria-label="Colours">
        {themes.map((one) => (
          <button key={one} type="button" aria-pressed={theme.value === one} onClick={() => (theme.value = one)}>
            {one[0]?.toUpperCase()}
            {one.slice(1)}
          </button>
        ))}
      </div>
    </div>
  );
}
