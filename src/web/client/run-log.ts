import { signal, type ReadonlySignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import type { HubRunLog, RunEvent } from '../../schemas/types.ts';
import { ask, type Trouble } from './ask.ts';
import { follow } from './events.ts';

/** The log of a run, which grows while the run goes on. */
export interface RunLog {
  /** All events so far; event 1 of the log is the first. A new array when something was added. */
  readonly events: ReadonlySignal<readonly RunEvent[]>;
  /** Nothing will be added. */
  readonly ended: ReadonlySignal<boolean>;
  readonly trouble: ReadonlySignal<Trouble | undefined>;
}

/** How often to ask for more; an event of the hub asks at once, ms. */
const everyMs = 1000;
/** After an error, ms. */
const afterErrorMs = 4000;

/** Reads the log of a run, and goes on reading until it ends. */
export function useRunLog(id: string): RunLog {
  const log = useMemo(() => createRunLog(`/api/v1/runs/${encodeURIComponent(id)}/log`), [id]);
  useEffect(() => {
    const ends = [log.begin(), follow(`run:${id}`, log.again)];
    return () => {
      for (const end of ends) end();
    };
  }, [log, id]);
  return log;
}

function createRunLog(path: string): RunLog & { begin(): () => void; again(): void } {
  const events = signal<readonly RunEvent[]>([]);
  const ended = signal(false);
  const trouble = signal<Trouble | undefined>(undefined);
  const gone = new AbortController();
  let next: string | null = null;
  let timer: number | undefined;
  let busy = false;

  /** @returns how long to wait, ms; null: there is nothing to wait for */
  async function read(): Promise<number | null> {
    const query = new URLSearchParams({ limit: '1000', ...(next === null ? {} : { after: next }) });
    const answer = await ask<HubRunLog>(`${path}?${query.toString()}`, { signal: gone.signal });
    if (answer.ok === 'unchanged') return everyMs;
    if (answer.ok === false) return tell(answer.trouble);
    trouble.value = undefined;
    const { body } = answer;
    ({ next } = body);
    if (body.events.length > 0) events.value = [...events.peek(), ...body.events];
    ended.value = body.ended;
    return body.ended ? null : body.more ? 0 : everyMs;
  }

  function tell(why: Trouble): number | null {
    trouble.value = why;
    return why.status === 404 ? null : afterErrorMs;
  }

  function again(): void {
    if (busy || ended.peek() || gone.signal.aborted) return;
    window.clearTimeout(timer);
    busy = true;
    void read()
      .then((wait) => (timer = wait === null ? undefined : window.setTimeout(again, wait)))
      .catch(() => {})
      .finally(() => (busy = false));
  }

  const begin = (): (() => void) => {
    again();
    return () => {
      window.clearTimeout(timer);
      gone.abort();
    };
  };

  return { events, ended, trouble, begin, again };
}
