import { useEffect } from 'preact/hooks';
import { hearAnswers } from './ask.ts';
import { follow, type Topic } from './events.ts';
import { heard, hubAnswered, hubSilent, way } from './freshness.ts';
import { checkSession, sessionPath } from './session.ts';

/** A question that is asked again and again. */
export interface Asking {
  /** Asks now. */
  again(): void;
  /** Takes what the hub has told without being asked. */
  told?(data: unknown): void;
  /** @returns the end of it */
  begin(): () => void;
}

export interface AskingOptions {
  /** Events that say that the answer has changed. */
  readonly topics?: readonly Topic[];
  /** How often to ask where no events come, ms. */
  readonly everyMs?: number;
}

/** How often to ask although events come: what no event tells of, ms. */
const calmMs = 30_000;

/** A hub that has said nothing for so long while it was asked is silent, although the connection is there, ms. */
const unheardMs = 2500;

/** Tells that the hub is silent where it does not answer in time. @returns what ends it */
function watchSilence(): () => void {
  const begun = Date.now();
  const timer = window.setInterval(() => {
    if (Date.now() - Math.max(begun, heard.peek() ?? 0) > unheardMs) hubSilent();
  }, 500);
  return () => window.clearInterval(timer);
}

/** A question takes the place of the one before, and comes at once when its reader looks at the page again. */
export function keepAsking(
  read: (signal: AbortSignal) => Promise<void>,
  everyMs: number,
  steadily: () => boolean = () => false,
): Asking {
  let timer: number | undefined;
  let running: AbortController | undefined;

  function again(): void {
    running?.abort();
    window.clearTimeout(timer);
    running = new AbortController();
    void askOnce(running.signal);
  }

  async function askOnce(signal: AbortSignal): Promise<void> {
    const answered = watchSilence();
    try {
      await read(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      answered();
    }
    if (!signal.aborted) timer = window.setTimeout(again, way.peek() === 'events' && !steadily() ? calmMs : everyMs);
  }

  const wake = (): void => {
    if (document.visibilityState === 'visible') again();
  };

  return {
    again,
    begin: () => {
      again();
      document.addEventListener('visibilitychange', wake);
      return () => {
        document.removeEventListener('visibilitychange', wake);
        window.clearTimeout(timer);
        running?.abort();
      };
    },
  };
}

/** Asks as long as a screen shows the answer, and whenever an event says that it has changed. */
export function useAsking(asking: Asking | null, topics: readonly Topic[] = []): void {
  const names = topics.join(' ');
  useEffect(() => {
    if (asking === null) return undefined;
    const end = asking.begin();
    const hear = (data?: unknown): void => (data !== undefined && asking.told ? asking.told(data) : asking.again());
    const ends = names === '' ? [] : names.split(' ').map((topic) => follow(topic, hear));
    return () => {
      end();
      for (const one of ends) one();
    };
  }, [asking, names]);
}

/** Notes what every answer says of the hub and of who is logged in: it may be another one by now, or nobody. */
export function noteAnswers(): void {
  hearAnswers((path, trouble) => {
    if (trouble?.status === 0) hubSilent();
    else hubAnswered();
    // What is wrong with a login, its form says.
    if (trouble?.status === 401 && !path.startsWith(sessionPath)) void checkSession();
  });
}
