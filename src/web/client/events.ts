import { hubAnswered, way } from './freshness.ts';

/** Something that the hub tells of: `status`, `run:ID`, `progress`. */
export type Topic = string;

/** @param data what it is now, where the hub has told that, too */
type Hear = (data?: unknown) => void;

/** A stream that has not even begun after so long is one that something holds back, ms. */
const quietMs = 30_000;
/** The hub tells every second that it is there: after so long without it the page asks by itself, ms. */
const beatlessMs = 2500;
/** Until a stream that broke is tried again, ms. */
const againMs = 15_000;

const heardBy = new Map<Topic, Set<Hear>>();
let stream: EventSource | undefined;
let streamTopics = '';
let watchdog: number | undefined;
let due: number | undefined;

/** Calls `hear` when the hub says that something of the topic has changed. One stream serves all topics. @returns the end of it */
export function follow(topic: Topic, hear: Hear): () => void {
  const those = heardBy.get(topic) ?? new Set();
  heardBy.set(topic, those.add(hear));
  schedule(0);
  return () => {
    those.delete(hear);
    if (those.size === 0) heardBy.delete(topic);
    schedule(0);
  };
}

/** Ends the stream, as when nobody is logged in. */
export function stopEvents(): void {
  window.clearTimeout(watchdog);
  stream?.close();
  stream = undefined;
  streamTopics = '';
  if (way.peek() === 'events') way.value = 'polling';
}

function schedule(ms: number): void {
  window.clearTimeout(due);
  due = window.setTimeout(connect, ms);
}

function connect(): void {
  const topics = [...heardBy.keys()].sort().join(',');
  if (topics === streamTopics && stream?.readyState !== EventSource.CLOSED) return;
  stopEvents();
  if (topics === '') return;
  streamTopics = topics;
  stream = new EventSource(`/api/v1/events?beat=1&topics=${encodeURIComponent(topics)}`);
  for (const name of ['begin', 'change', 'resync', 'beat']) stream.addEventListener(name, alive);
  stream.addEventListener('change', (event) => {
    const { topic, data } = toldIn(event);
    tell(topic, data);
  });
  stream.addEventListener('resync', () => tell(null));
  stream.addEventListener('error', () => {
    lost();
    if (stream?.readyState === EventSource.CLOSED) retry();
  });
  watchdog = window.setTimeout(retry, quietMs);
}

/** The stream stays open when nothing comes: it may come yet. */
function alive(): void {
  window.clearTimeout(watchdog);
  watchdog = window.setTimeout(lost, beatlessMs);
  way.value = 'events';
  hubAnswered();
}

/** Whoever relied on events asks by itself, and at once: the hub may be gone. */
function lost(): void {
  if (way.peek() !== 'events') return;
  way.value = 'polling';
  tell(null);
}

function retry(): void {
  stopEvents();
  schedule(againMs);
}

/** Topic null: whatever it is about. */
function toldIn(event: Event): { readonly topic: Topic | null; readonly data?: unknown } {
  try {
    const { topic, data } = JSON.parse((event as MessageEvent<string>).data) as { topic?: unknown; data?: unknown };
    return { topic: typeof topic === 'string' ? topic : null, data };
  } catch {
    return { topic: null };
  }
}

function tell(topic: Topic | null, data?: unknown): void {
  for (const [name, those] of heardBy) if (topic === null || topic === name) for (const hear of those) hear(data);
}
