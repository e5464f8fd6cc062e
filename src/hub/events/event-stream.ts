import { Readable } from 'node:stream';
import type { ChangeWatch, Topic } from './watch-changes.ts';

export interface EventStreamOptions {
  readonly watch: ChangeWatch;
  readonly topics: readonly Topic[];
  /** `Last-Event-ID` of whoever was cut off; null: it begins. */
  readonly lastId: string | null;
  /** A `beat` comes every second, by which the caller knows that it would hear of changes. */
  readonly beats?: boolean;
  /** Ends the stream. */
  readonly signal: AbortSignal;
}

/** A proxy that hears nothing for long hangs up, ms. */
const commentMs = 15_000;
/** What a screen shows is never older than two seconds, or it says so. */
const beatMs = 1000;
/** After this the caller comes again, and has to be let in again, ms. */
const longestMs = 15 * 60_000;

/**
 * Changes as a stream of events (html.spec.whatwg.org, "Server-sent events"). Whoever reads slowly gets each topic once when it
 * reads on, however often it changed meanwhile.
 */
export function eventStream({ watch, topics, lastId, beats = false, signal }: EventStreamOptions): Readable {
  const waiting = new Map<string, string>();
  let wanted = false;
  const flush = (): void => {
    while (wanted) {
      const [next] = waiting;
      if (!next) return;
      waiting.delete(next[0]);
      wanted = stream.push(next[1]);
    }
  };
  const stream = new Readable({
    highWaterMark: 4096,
    read: () => {
      wanted = true;
      flush();
    },
    destroy: (error, done) => {
      clearInterval(still);
      clearTimeout(end);
      signal.removeEventListener('abort', gone);
      watching[Symbol.dispose]();
      done(error);
    },
  });
  const say = (what: string, text: string): void => {
    waiting.delete(what);
    waiting.set(what, text);
    flush();
  };
  const changed = (topic: Topic, id: string): void => say(topic, event('change', { topic }, id));
  const gone = (): void => void stream.destroy();
  const still = beats
    ? setInterval(() => say('beat', 'event: beat\ndata: {}\n\n'), beatMs)
    : setInterval(() => say(':', ': still here\n\n'), commentMs);
  const end = setTimeout(() => stream.push(null), longestMs);
  const watching = watch.watch(topics, { changed }, lastId);
  signal.addEventListener('abort', gone, { once: true });
  say('begin', `retry: 2000\n${event('begin', { topics }, watching.id)}`);
  if (watching.missed === null) say('resync', event('resync', {}, watching.id));
  else if (watching.missed) for (const topic of topics) changed(topic, watching.id);
  return stream;
}

const event = (name: string, data: object, id: string): string =>
  `event: ${name}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
