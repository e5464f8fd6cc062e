import { Readable } from 'node:stream';
import { flag, isOn } from '../../api/flags.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { eventStream } from '../events/event-stream.ts';
import type { ChangeWatch, Topic } from '../events/watch-changes.ts';
import { seesOf } from './list-answer.ts';
import { progressText, runProgressText } from './progress.ts';
import { defineRoute } from './route.ts';

/** Streams at a time: of all callers; of one, so that no single one takes them from the others. */
const mostStreams = 200;
const mostOfOne = 20;
const mostTopics = 20;

export const watchEvents = defineRoute({
  id: 'watchEvents',
  method: 'GET',
  path: '/api/v1/events',
  tag: 'status',
  right: 'look',
  vms: 'heeded',
  summary: 'Changes, as they come (server-sent events)',
  description:
    '`change` has a `topic`: look at it again. With `progress` and `progress:ID` comes `data`: what `/api/v1/progress` or `/api/v1/runs/{id}/progress` answers. `resync`: look at everything again; `begin`: from now on you hear of changes. A comment comes every 15 seconds. The stream ends after 15 minutes: come again, with `Last-Event-ID`.',
  query: {
    topics: {
      description: `With commas between them, at most ${mostTopics}: status (anything), run:ID (that run or its log), progress (how far the runs are that go on), progress:ID (one of them). Default: status.`,
    },
    beat: flag('`yes`: an event `beat` comes every second in place of the comments.'),
  },
  headers: {
    'last-event-id': { description: '`id` of the last event that you have; then nothing that came after is lost.' },
  },
  answers: { 200: { description: 'The events.', type: 'text/event-stream' } },
  errors: ['run.unknown'],
  patient: true,
  quiet: true,
  async handle(call): Promise<Readable> {
    const { parts, query, header, signal, isHead, answer } = call;
    const topics = topicsIn(query['topics'] ?? 'status');
    const sees = seesOf(call);
    for (const topic of topics) {
      const [, id] = topic.split(':', 2);
      if (id === undefined) continue;
      const vm = parts.hub.pages.factsOfRun(id)?.vm;
      if (vm === undefined || sees?.(vm) === false) throw new SendenseError('run.unknown', `there is no run ${id}`);
    }
    answer.header('cache-control', 'no-store');
    // nginx would keep events until it has some kilobytes of them.
    answer.header('x-accel-buffering', 'no');
    if (isHead) return Readable.from([]);
    const who = call.caller.name;
    assertRoom(parts.events, who);
    return eventStream({
      watch: parts.events,
      who,
      topics,
      lastId: header('last-event-id'),
      beats: isOn(query['beat']),
      dataOf: (topic) => {
        const [about, run] = topic.split(':', 2);
        if (about !== 'progress') return null;
        return run === undefined ? progressText(call) : runProgressText(call, run);
      },
      signal,
    });
  },
});

/** @throws SendenseError `node.limited` */
function assertRoom(events: Pick<ChangeWatch, 'watchers'>, who: string): void {
  const full =
    events.watchers(who) >= mostOfOne
      ? `${who} has ${mostOfOne} streams of events open already`
      : events.watchers() >= mostStreams
        ? `${mostStreams} streams of events are open already`
        : null;
  if (full !== null)
    throw new SendenseError('node.limited', `${full}; try again in 30 s`, { details: { retrySeconds: 30 } });
}

/** @throws SendenseError `request.invalid` */
function topicsIn(text: string): Topic[] {
  const topics = [...new Set(text.split(','))];
  const known = topics.filter((topic): topic is Topic =>
    /^(?:status|progress|(?:run|progress):[A-Za-z0-9][A-Za-z0-9._-]{0,62})$/.test(topic),
  );
  if (known.length === topics.length && topics.length <= mostTopics) return known;
  throw new SendenseError(
    'request.invalid',
    `topics are status, run:ID, progress and progress:ID, at most ${mostTopics}`,
    {
      details: { field: 'topics' },
    },
  );
}
