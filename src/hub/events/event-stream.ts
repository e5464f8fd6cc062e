import { Readable } from 'node:stream';
import type { ChangeWatch, Topic } from './watch-changes.ts';

export interface EventStreamOptions {
  readonly watch: ChangeWatch;
  /** Name of who watches. */
  readonly who: string;
  readonly topics: readonly Topic[];
  /** `Last-Event-ID` of whoever was cut off; null: it begins. */
  readonly lastId: string | null;
  /** A `beat` comes every second, by which the caller knows that it would hear of changes. */
  readonly beats?: boolean;
  /** What a topic has now, as JSON, to be told with its changes; null: the caller asks for it. */
  dataOf?(topic: Topic): Promise<string> | null;
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
export function eventStream(options: EventStreamOptions): Readable {
  const { watch, who, topics, lastId, beats = false, dataOf = () => null, signal } = options;
  const waiting = new Map<string, string>();
  let wanted = false;
  let ended = false;
  const flush = (): void => {
    while (wanted) {
      const [next] = waiting;
      if (!next || ended) return;
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
      ended = true;
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
  const changed = (topic: Topic, id: string): void => {
    const plain = (): void => say(topic, event('change', { topic }, id));
    const told = dataOf(topic);
    if (told === null) return plain();
    void told.then((data) => say(topic, changeWith(topic, data, id)), plain);
  };
  const gone = (): void => void stream.destroy();
  const still = beats
    ? setInterval(() => say('beat', 'event: beat\ndata: {}\n\n'), beatMs)
    : setInterval(() => say(':', ': still here\n\n'), commentMs);
  const end = setTimeout(() => {
    ended = true;
    stream.push(null);
  }, longestMs);
  const watching = watch.watch(topics, { who, changed }, lastId);
  signal.addEventListener('abort', gone, { once: true });
  say('begin', `retry: 2000\n${event('begin', { topics }, watching.id)}`);
  if (watching.missed === null) say('resync', event('resync', {}, watching.id));
  else if (watching.missed) for (const topic of topics) changed(topic, watching.id);
  return stream;
}

const changeWith = (topic: Topic, data: string, id: string): string =>
  `event: change\nid: ${id}\ndata: {"topic":${JSON.stringify(topic)},"data":${data}}\n\n`;

const event = (name: string, data: object, id: string): string =>
  `event: ${name}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
