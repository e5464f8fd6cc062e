import { execa } from 'execa';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { backoffMs, deliver } from '../../../src/hub/notify/deliver.ts';
import { startNotifier } from '../../../src/hub/notify/notifier.ts';
import { thisProcess } from '../../../src/host/programs/process-identity.ts';
import type { NotifyMessage } from '../../../src/schemas/types.ts';
import { hasDeliverer } from '../../../src/state/notices/channels.ts';
import { claimBatch, markFailed, markSent, type ClaimOptions } from '../../../src/state/notices/deliveries.ts';
import { raiseNotice, type Notice } from '../../../src/state/notices/notices.ts';
import { watchPlan } from '../../../src/state/schedules/plan-health.ts';
import { routeNotices } from '../../../src/hub/notify/routing.ts';
import { freePort } from '../../support/free-ports.ts';
import { httpReceiver, type HttpReceiver } from '../../support/http-receiver.ts';
import { notifyBench, type NotifyBench } from './notify-bench.ts';
import { testProgram } from '../../programs.ts';

const hook = (url: string, more: object = {}): object => ({ type: 'webhook', url, ...more });
const failed = (plan: string, more: Partial<Notice> = {}): Notice => ({
  event: 'failure',
  plan,
  vm: plan,
  message: `${plan} failed`,
  ...more,
});
const messages = (server: HttpReceiver): NotifyMessage[] =>
  server.requests.map(({ body }) => JSON.parse(body) as NotifyMessage);
const said = (server: HttpReceiver): string[] => messages(server).map(({ subject }) => subject);

/** What the next claim at a moment finds. */
const claim = (made: NotifyBench, now: number, more: Partial<ClaimOptions> = {}) =>
  claimBatch(made.state, {
    channel: 'hook',
    owner: thisProcess(),
    isRunning: () => true,
    now,
    expiresMs: 1000,
    foldMs: 60_000,
    ...more,
  });

test('500 failures of one moment are two messages: the first at once, the others together', async () => {
  await using server = await httpReceiver();
  using made = notifyBench(() => ({ hook: hook(server.url, { fold: '2s' }) }));
  raiseNotice(made.state, failed('vm0'));
  await made.deliver({ atOnce: false });
  made.state.transaction(() => {
    for (let at = 1; at < 500; at++) raiseNotice(made.state, failed(`vm${at}`));
  });
  await made.deliver({ atOnce: false });
  expect(server.requests).toHaveLength(1);
  await made.deliver({ atOnce: false, waitMs: 10_000 });
  expect(messages(server).map(({ notices }) => notices.length)).toEqual([1, 499]);
  expect(said(server)[1]).toBe('FAILED: 499 times: vm1, vm2, vm3 and 496 more');
});

test('what would be folded goes at once where nobody comes later', async () => {
  await using server = await httpReceiver();
  using made = notifyBench(() => ({ hook: hook(server.url) }));
  for (const plan of ['vm1', 'vm2']) {
    raiseNotice(made.state, failed(plan));
    await made.deliver({ atOnce: true });
  }
  expect(said(server)).toEqual(['FAILED: vm1 failed', 'FAILED: vm2 failed']);
});

test('within a plan nothing overtakes what is put off, also across events', async () => {
  await using server = await httpReceiver();
  using made = notifyBench(() => ({ hook: hook(server.url) }));
  server.answer = (response) => void response.writeHead(503).end();
  raiseNotice(made.state, failed('vm1'));
  await made.deliver();
  server.answer = (response) => void response.end();
  raiseNotice(made.state, failed('vm1', { event: 'recovery', message: 'vm1 succeeded again' }));
  raiseNotice(made.state, failed('vm2', { event: 'recovery', message: 'vm2 succeeded again' }));
  await made.deliver();
  expect(said(server).slice(1)).toEqual(['recovered: vm2 succeeded again']);
  await made.deliver({ waitMs: 10_000 });
  expect(said(server).slice(2)).toEqual(['FAILED: vm1 failed', 'recovered: vm1 succeeded again']);
});

test('a claim keeps others away until it expires or its owner is gone', () => {
  using made = notifyBench(() => ({ hook: hook('http://127.0.0.1:9') }));
  raiseNotice(made.state, failed('vm1'), 1000);
  routeNotices(made.state, made.settings, 1000);
  const first = claim(made, 1000);
  expect(first).toMatchObject({ batch: { event: 'failure', notices: [{ plan: 'vm1' }] } });
  expect(claim(made, 1500)).toEqual({ again: 2000 });
  const second = claim(made, 1500, { isRunning: () => false });
  expect(second).toMatchObject({ batch: { notices: [{ plan: 'vm1' }] } });
  const third = claim(made, 2500);
  expect(third).toMatchObject({ batch: { notices: [{ plan: 'vm1' }] } });
  // Whoever lost its claim changes nothing any more.
  markSent(made.state, first && 'batch' in first ? first.batch.claim : '', 2600);
  expect(made.history()[0]?.deliveries).toMatchObject([{ state: 'waiting' }]);
  markSent(made.state, third && 'batch' in third ? third.batch.claim : '', 2600);
  expect(claim(made, 9000)).toBeNull();
});

test('what a clock that was ahead wrote holds nothing up', () => {
  using made = notifyBench(() => ({ hook: hook('http://127.0.0.1:9') }));
  const ahead = 400 * 86_400_000;
  // Raised, sent, put off and claimed when the clock was ahead.
  raiseNotice(made.state, failed('vm1'), ahead);
  routeNotices(made.state, made.settings, ahead);
  const sent = claim(made, ahead);
  markSent(made.state, sent && 'batch' in sent ? sent.batch.claim : '', ahead);
  for (const plan of ['vm2', 'vm3']) raiseNotice(made.state, failed(plan), ahead);
  routeNotices(made.state, made.settings, ahead);
  const put = claim(made, ahead, { foldMs: 0, plan: 'vm3' });
  expect(put).toMatchObject({ batch: { notices: [{ plan: 'vm3' }] } });
  markFailed(made.state, put && 'batch' in put ? put.batch.claim : '', {
    error: 'down',
    now: ahead,
    dueOf: () => ahead + 2000,
  });
  claim(made, ahead, { foldMs: 0, plan: 'vm2' });
  expect(claim(made, 1000)).toMatchObject({ batch: { notices: [{ plan: 'vm2' }, { plan: 'vm3' }] } });
});

test('two processes at once: every message once', async () => {
  await using server = await httpReceiver();
  using made = notifyBench(() => ({ hook: hook(server.url, { fold: '0s' }) }));
  made.state.transaction(() => {
    for (let at = 0; at < 60; at++) raiseNotice(made.state, failed(`vm${at % 20}`, { message: `message ${at}` }));
  });
  const children = Array.from({ length: 2 }, () =>
    execa(process.execPath, [testProgram('hub/notify/flush-child'), made.folder], { stdin: 'pipe' }),
  );
  await Promise.all(children.map((child) => once(child.stdout, 'data')));
  for (const child of children) child.stdin.write('go\n');
  for (const child of children) await child;
  expect(said(server).toSorted()).toEqual(Array.from({ length: 60 }, (_, at) => `FAILED: message ${at}`).toSorted());
  for (let vm = 0; vm < 20; vm++) {
    const own = messages(server).filter(({ notices }) => notices[0].plan === `vm${vm}`);
    expect(own.map(({ subject }) => subject)).toEqual([0, 20, 40].map((at) => `FAILED: message ${vm + at}`));
  }
});

test('a dead channel is reported through the others, once', async () => {
  await using server = await httpReceiver();
  const down = await freePort();
  using made = notifyBench(() => ({ dead: hook(`http://127.0.0.1:${down}`), hook: hook(server.url) }));
  raiseNotice(made.state, failed('vm1'));
  await made.deliver({ waitMs: 15_000 });
  expect(said(server)).toEqual([
    'FAILED: vm1 failed',
    expect.stringMatching(/^CHANNEL: channel dead fails since .*ECONNREFUSED/) as unknown,
  ]);
});

test('where no other channel wants to hear of it, the others are told of a dead one all the same', async () => {
  await using server = await httpReceiver();
  const down = await freePort();
  using made = notifyBench(
    () => ({ dead: hook(`http://127.0.0.1:${down}`), other: hook(server.url) }),
    [{ channel: 'dead' }],
  );
  raiseNotice(made.state, failed('vm1'));
  await made.deliver({ waitMs: 15_000 });
  expect(said(server)).toEqual([expect.stringContaining('CHANNEL: channel dead') as unknown]);
});

test('after a day a message is given up, and that is said', async () => {
  await using server = await httpReceiver();
  const down = await freePort();
  using made = notifyBench(() => ({ dead: hook(`http://127.0.0.1:${down}`), hook: hook(server.url) }));
  raiseNotice(made.state, failed('vm1'), Date.now() - 86_400_001);
  await made.deliver();
  expect(made.history().find(({ notice }) => notice.event === 'failure')?.deliveries).toMatchObject([
    { channel: 'dead', state: 'given-up', attempts: 1 },
    { channel: 'hook', state: 'sent' },
  ]);
  expect(said(server)[1]).toContain('1 messages were given up');
});

test('what waits for a channel that is gone from the settings is given up after a day', async () => {
  using made = notifyBench(() => ({ hook: hook('http://127.0.0.1:9') }));
  raiseNotice(made.state, failed('vm1'), Date.now() - 90_000_000);
  raiseNotice(made.state, failed('vm2'));
  routeNotices(made.state, made.settings);
  const emptied = { ...made.settings, notify: { channels: {}, default: [] } };
  const signal = new AbortController().signal;
  await deliver({
    state: made.state,
    settings: emptied,
    settingsFolder: made.folder,
    signal,
    waitMs: 0,
    warn: () => {},
  });
  expect(made.history().map(({ deliveries }) => deliveries[0]?.state)).toEqual(['waiting', 'given-up']);
});

test('the pause between attempts grows up to an hour', () => {
  expect([0, 1, 2, 3].map(backoffMs)).toEqual([2000, 6000, 18_000, 54_000]);
  expect(backoffMs(100)).toBe(3_600_000);
});

const watched = (made: NotifyBench, notify: unknown): void =>
  watchPlan(made.state, {
    plan: 'vm1',
    kind: 'backup',
    vm: 'vm1',
    repository: 'primary',
    file: '/plans/vm1.yaml',
    notify,
    rpo: null,
  });

test.each([
  ['adds to the default', [{ channel: 'own' }], ['hook', 'own']],
  ['replaces an entry of the default', [{ channel: 'hook', on: ['success'] }], []],
  ['replaces the default', { inherit: false, channels: [{ channel: 'own' }] }, ['own']],
  ['is silent where it says so', { inherit: false }, []],
  ['asks for what the default does not tell', [{ channel: 'own', on: ['failure', 'success'] }], ['hook', 'own']],
])('notify of a plan %s', (_what, notify, wanted) => {
  using made = notifyBench(
    () => ({ hook: hook('http://127.0.0.1:9'), own: hook('http://127.0.0.1:9') }),
    [{ channel: 'hook' }],
  );
  watched(made, notify);
  raiseNotice(made.state, failed('vm1'));
  routeNotices(made.state, made.settings);
  expect(made.history()[0]?.deliveries.map(({ channel }) => channel)).toEqual(wanted);
});

test('by default nobody is told of what is as it should be', () => {
  using made = notifyBench(() => ({ hook: hook('http://127.0.0.1:9') }));
  raiseNotice(made.state, failed('vm1', { event: 'started' }));
  raiseNotice(made.state, failed('vm1', { event: 'success' }));
  raiseNotice(made.state, failed('vm1', { event: 'warning' }));
  routeNotices(made.state, made.settings);
  expect(made.history().map(({ notice, deliveries }) => [notice.event, deliveries.length])).toEqual([
    ['warning', 1],
    ['success', 0],
    ['started', 0],
  ]);
});

test('a run of verification that found something broken is one message, and a failed ping', () => {
  using made = notifyBench(() => ({
    hook: hook('http://127.0.0.1:9'),
    ping: { type: 'ping', url: 'http://127.0.0.1:9' },
  }));
  raiseNotice(made.state, failed('vm1', { event: 'verification-failure', runId: 'run-1' }));
  raiseNotice(made.state, failed('vm1', { runId: 'run-1' }));
  routeNotices(made.state, made.settings);
  expect(
    made.history().map(({ notice, deliveries }) => [notice.event, deliveries.map(({ channel }) => channel)]),
  ).toEqual([
    ['failure', ['ping']],
    ['verification-failure', ['hook']],
  ]);
});

test('the notifier delivers what is raised while it lives, and is known to', async () => {
  await using server = await httpReceiver();
  using made = notifyBench(() => ({ hook: hook(server.url) }));
  const alive = (): boolean => hasDeliverer(made.state, () => true);
  const arrived = new Promise<void>((resolve) => {
    server.answer = (response) => {
      response.end();
      resolve();
    };
  });
  {
    await using _notifier = startNotifier({
      state: made.state,
      settings: () => made.settings,
      settingsFolder: made.folder,
      warn: () => {},
      everyMs: 20,
    });
    expect(alive()).toBe(true);
    raiseNotice(made.state, failed('vm1'));
    await arrived;
    // Would wait to be folded, were this not the end.
    raiseNotice(made.state, failed('vm2'));
  }
  expect(said(server)).toEqual(['FAILED: vm1 failed', 'FAILED: vm2 failed']);
  expect(alive()).toBe(false);
});
