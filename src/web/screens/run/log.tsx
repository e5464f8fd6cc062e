import './log.css';
import type { JSX } from 'preact';
import { useSignal, type Signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { formatClock, plural } from '../../../view/format.ts';
import { exact } from '../../design/moment.ts';
import { place } from '../../shell/router.ts';
import { logText, type LogLine } from './log-lines.ts';

export interface LogProps {
  readonly lines: readonly LogLine[];
  /** Nothing will be added. */
  readonly ended: boolean;
  /** Name of the file that is downloaded, without its ending. */
  readonly name: string;
}

/** Lines that are drawn at first; all of them are searched. */
const fewLines = 2000;

/** The log: follow it, search it, lead somebody to a line of it, take it away. */
export function Log({ lines, ended, name }: LogProps): JSX.Element {
  const frame = useRef<HTMLDivElement>(null);
  const linked = /^L(\d+)$/.exec(place.value.hash)?.[1];
  const following = useSignal(!ended && linked === undefined);
  const wanted = useSignal('');
  const most = useSignal(fewLines);
  const needle = wanted.value.toLowerCase();
  const found = needle === '' ? lines : lines.filter(({ text }) => text.toLowerCase().includes(needle));
  const from = firstShown(found, most.value, linked);
  const firstError = lines.find(({ kind }) => kind === 'error');
  useFollow(frame, following, found.length);
  useLinked(frame, linked, lines.length > 0);
  return (
    <section class="block" aria-labelledby="log">
      <h2 id="log">Log</h2>
      <div class="table-tools">
        <input
          class="input small"
          type="search"
          placeholder="Search the log"
          aria-label="Search the log"
          value={wanted.value}
          spellcheck={false}
          onInput={(event) => (wanted.value = event.currentTarget.value)}
        />
        {needle === '' ? null : (
          <span class="soft" role="status">
            {plural(found.length, 'line')} of {lines.length}
          </span>
        )}
        {firstError ? (
          <a class="button small" href={`#L${firstError.number}`} onClick={() => (wanted.value = '')}>
            First error
          </a>
        ) : null}
        {ended ? null : <Following following={following} />}
        <button type="button" class="button small" onClick={() => download(`${name}.log`, logText(lines))}>
          Download
        </button>
      </div>
      <div
        class="log"
        role="region"
        aria-label="Lines of the log"
        tabIndex={0}
        ref={frame}
        onScroll={() => {
          const { current } = frame;
          if (current && !ended && !atEnd(current)) following.value = false;
        }}
      >
        {from === 0 ? null : (
          <button type="button" class="button quiet small" onClick={() => (most.value += fewLines)}>
            Show earlier lines ({from})
          </button>
        )}
        <Lines lines={found.slice(from)} needle={needle} linked={linked} />
      </div>
    </section>
  );
}

const Following = ({ following }: { readonly following: Signal<boolean> }): JSX.Element => (
  <button type="button" class="button small" onClick={() => (following.value = !following.value)}>
    {following.value ? 'Pause' : 'Follow'}
  </button>
);

interface LinesProps {
  readonly lines: readonly LogLine[];
  readonly needle: string;
  readonly linked: string | undefined;
}

const Lines = ({ lines, needle, linked }: LinesProps): JSX.Element => (
  <ol>
    {lines.map(({ number, time, kind, inStep, text }) => (
      <li
        key={number}
        id={`L${number}`}
        class={`${kind} ${inStep ? 'in-step' : ''} ${linked === String(number) ? 'linked' : ''}`}
      >
        <a href={`#L${number}`} aria-label={`Line ${number}`}>
          {number}
        </a>
        <time dateTime={new Date(time).toISOString()} title={exact(time)}>
          {formatClock(time)}
        </time>
        <span class="text">
          <Marked text={text} needle={needle} />
        </span>
      </li>
    ))}
  </ol>
);

/** What was searched stands out. */
function Marked({ text, needle }: { readonly text: string; readonly needle: string }): JSX.Element {
  const at = needle === '' ? -1 : text.toLowerCase().indexOf(needle);
  if (at < 0) return <bdi>{text}</bdi>;
  const end = at + needle.length;
  return (
    <bdi>
      {text.slice(0, at)}
      <mark>{text.slice(at, end)}</mark>
      {text.slice(end)}
    </bdi>
  );
}

/** The newest lines are drawn; more where a link leads further back. */
function firstShown(lines: readonly LogLine[], most: number, linked: string | undefined): number {
  const newest = Math.max(0, lines.length - most);
  if (linked === undefined) return newest;
  const at = lines.findIndex(({ number }) => String(number) === linked);
  return at < 0 ? newest : Math.min(newest, at);
}

/** Pixels; the end of the log is on the screen though a line is cut. */
const nearEnd = 24;

const atEnd = ({ scrollTop, scrollHeight, clientHeight }: HTMLElement): boolean =>
  scrollHeight - scrollTop - clientHeight < nearEnd;

/** Who follows sees the newest line; who scrolls up does not lose their place. */
function useFollow(frame: { readonly current: HTMLElement | null }, following: Signal<boolean>, count: number): void {
  const on = following.value;
  useLayoutEffect(() => {
    const { current } = frame;
    if (on && current) current.scrollTop = current.scrollHeight;
  }, [on, count]);
}

/** Leads to the line that the address names, once it is there. */
function useLinked(frame: { readonly current: HTMLElement | null }, linked: string | undefined, ready: boolean): void {
  useEffect(() => {
    if (linked === undefined || !ready) return;
    frame.current?.querySelector(`#L${linked}`)?.scrollIntoView({ block: 'center' });
  }, [linked, ready]);
}

function download(name: string, text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
