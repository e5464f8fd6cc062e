import { expect, test } from 'vitest';
import { eventStream } from '../../src/hub/events/event-stream.ts';
import { watchChanges, type ChangeWatch, type Topic } from '../../src/hub/events/watch-changes.ts';
import { until } from '../node/support.ts';

interface Watched extends Disposable {
  readonly watch: ChangeWatch;
  database: string;
  run: string;
  progress: string;
  fails: boolean;
  readonly failures: string[];
}

function watched(): Watched {
  const failures: string[] = [];
  const at: Watched = {
    database: '1',
    run: '1',
    progress: '1',
    fails: false,
    failures,
    watch: watchChanges({
      changes: () => at.database,
      ofRun: async (id) => {
        if (at.fails) throw new Error('the disk is gone');
        return `${id} ${at.run}`;
      },
      ofProgress: async (id) => `${id ?? 'all'} ${at.progress}`,
      failed: ({ message }) => void failures.push(message),
    }),
    [Symbol.dispose]: () => at.watch[Symbol.dispose](),
  };
  return at;
}

interface Stream extends Disposable {
  readonly stream: ReturnType<typeof eventStream>;
  text(): string;
  lastId(): string;
}

const dataOf = (topic: Topic): Promise<string> | null =>
  topic.startsWith('progress') ? Promise.resolve(`{"of":"${topic}"}`) : null;

function open({ watch }: Watched, topics: readonly Topic[], lastId: string | null = null): Stream {
  const gone = new AbortController();
  const stream = eventStream({ watch, who: 'alice', topics, lastId, dataOf, signal: gone.signal });
  let text = '';
  stream.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  return {
    stream,
    text: () => text,
    lastId: () => [...text.matchAll(/^id: (.+)$/gm)].at(-1)?.[1] ?? '',
    [Symbol.dispose]: () => gone.abort(),
  };
}

const begun = (stream: Stream) => until(() => stream.text().includes('event: begin'), 'begin');

test('who watches hears of each change of the topics that it named, and of no other', async () => {
  using at = watched();
  using all = open(at, ['status', 'run:r1']);
  using one = open(at, ['run:r1']);
  await begun(all);
  await begun(one);
  // Its first look is what later ones are compared with.
  await until(async () => {
    at.run += 'x';
    return one.text().includes('event: change');
  }, 'a change of the run');
  expect(one.text()).toContain('data: {"topic":"run:r1"}');
  expect(one.text()).not.toContain('"topic":"status"');
  at.database = '2';
  await until(() => all.text().includes('{"topic":"status"}'), 'a change of the status');
  expect(one.text()).not.toContain('"topic":"status"');
});

test('who was cut off hears that something came meanwhile; of another process, to look at everything', async () => {
  using at = watched();
  using stays = open(at, ['status']);
  await begun(stays);
  const before = stays.lastId();
  {
    using same = open(at, ['status'], before);
    await begun(same);
    expect(same.text()).not.toContain('event: change');
  }
  await until(() => {
    at.database += 'x';
    return stays.lastId() !== before;
  }, 'a change');
  using late = open(at, ['status'], before);
  await until(() => late.text().includes('event: change'), 'what was missed');
  using other = open(at, ['status'], 'abc-17');
  await until(() => other.text().includes('event: resync'), 'resync');
});

test('a look that fails is told, and the next one is made; nothing is left when nobody watches', async () => {
  using at = watched();
  {
    using one = open(at, ['run:r1']);
    at.fails = true;
    await until(() => at.failures.includes('the disk is gone'), 'the failure');
    at.fails = false;
    await until(() => {
      at.run += 'x';
      return one.text().includes('event: change');
    }, 'a change');
    expect(at.watch.watchers()).toBe(1);
  }
  await until(() => at.watch.watchers() === 0, 'the end of the stream');
});

test('how far runs are comes with its events, and nothing else does', async () => {
  using at = watched();
  using all = open(at, ['status', 'progress', 'progress:r1']);
  await begun(all);
  await until(() => {
    at.progress += 'x';
    return all.text().includes('"topic":"progress:r1"');
  }, 'progress of a run');
  expect(all.text()).toContain('data: {"topic":"progress","data":{"of":"progress"}}\n\n');
  expect(all.text()).toContain('data: {"topic":"progress:r1","data":{"of":"progress:r1"}}\n\n');
  await until(() => {
    at.database += 'x';
    return all.text().includes('data: {"topic":"status"}\n');
  }, 'a change of the status');
});
