/** What the screens for looking ask: schedules, nodes, notices, audit. */
import type {
  AuditOutput,
  HubNotices,
  HubTimetable,
  NodesOutput,
  NotifyListOutput,
  TimetablePlan,
} from '../../src/schemas/types.ts';
import type { World } from './stand-in.ts';
import { namesOf, worldOf, type WorldOptions } from './worlds.ts';

const hour = 3_600_000;
const day = 24 * hour;

/** A hub with so many VMs, and all that there is to look at. */
export const lookingWorld = (options: WorldOptions): World => ({
  ...worldOf(options),
  'GET /api/v1/timetable': (query) => timetableOf(options, query),
  'POST /api/v1/schedules/pg01-nightly/pause': () => ({ version: 1, schedules: [], duplicates: [] }),
  'GET /api/v1/nodes': () => nodesOf(options),
  'GET /api/v1/notices': (query) => noticesOf(options, query),
  'GET /api/v1/channels': () => channelsOf(options),
  'GET /api/v1/audit': (query) => auditOf(options, query),
});

/** A word that somebody chose, or a usual one. */
const wordOf = ({ names = [] }: WorldOptions, usual: string): string => names[0] ?? usual;

function timetableOf(options: WorldOptions, query: URLSearchParams): HubTimetable {
  const { now } = options;
  const [from, to] = [Number(query.get('from')), Number(query.get('to'))];
  const plans = namesOf(options).map((vm, index): TimetablePlan => {
    const paused = index % 17 === 5;
    const begin = new Date(now);
    begin.setHours(index % 6, (index * 7) % 60, 0, 0);
    const all = Array.from({ length: 29 }, (_, night) => begin.getTime() + (night - 14) * day).filter(
      (at) => at >= from && at < to,
    );
    const coming = paused ? [] : all.filter((at) => at > now);
    const hindered = index % 3 === 0 ? coming.filter((at) => new Date(at).getDay() === 0) : [];
    return {
      plan: `${vm}-nightly`,
      kind: 'backup',
      vm,
      cron: `${(index * 7) % 60} ${index % 6} * * *`,
      timezone: 'Europe/Berlin',
      enabled: true,
      paused: paused ? { since: now - 3 * day, reason: wordOf(options, 'moves to other storage') } : null,
      error: index % 19 === 4 ? `line 3: ${wordOf(options, 'there is no repository primry')}` : null,
      next: coming[0] ?? null,
      takes: index % 7 === 6 ? null : 60_000 * (3 + (index % 40)),
      past: all
        .filter((at) => at <= now)
        .map((at, night) => ({
          at,
          state: (index + night) % 23 === 5 ? 'failed' : (index + night) % 29 === 7 ? 'missed' : 'succeeded',
          ...((index + night) % 29 === 7 ? {} : { run: `r-${index}` }),
        })),
      coming: coming.filter((at) => !hindered.includes(at)),
      hindered,
      more: false,
    };
  });
  const sunday = new Date(from);
  sunday.setDate(sunday.getDate() + 6);
  const span = { from: sunday.getTime(), to: sunday.getTime() + 6 * hour };
  const [first] = plans;
  return {
    version: 1,
    from,
    to,
    plans,
    blackouts: first ? [{ ...span, reason: wordOf(options, 'inventory'), plans: Math.ceil(plans.length / 3) }] : [],
    conflicts: first
      ? [
          {
            kind: 'limit',
            at: now + 9 * hour,
            times: 1,
            plans: [first.plan],
            message: '7 runs want to go on at once; the hub lets 4 (limits), the others wait.',
          },
          {
            kind: 'vm',
            at: now + 10 * hour,
            times: 5,
            plans: [first.plan],
            message: `${first.plan} and ${wordOf(options, 'weekly')} work on the same VM at the same time: the second waits for the first, or is skipped.`,
          },
        ]
      : [],
  };
}

function nodesOf(options: WorldOptions): NodesOutput {
  const { now } = options;
  const usual: NodesOutput['nodes'][number] = {
    name: 'site-a',
    state: 'connected',
    reverse_port: 42001,
    key: 'SHA256:T2Fq0o0m0bGdK1x8WlyJ1D3mCk2gQO7Jm9Xz4bKQZ0k',
    hostname: wordOf(options, 'esx-proxy-1'),
    node_version: '0.1.0',
    version_misfit: null,
    created: now - 90 * day,
    enrolled: now - 90 * day,
    token_expires: null,
    connected_since: now - 4 * day,
    peer: '192.0.2.17:51234',
    data: 'builtin',
    last_seen: now - 4000,
    revoked: null,
    other_machine: null,
    open_ports: [10809, 10810],
  };
  const lost = { connected_since: null, last_seen: now - 31 * hour, data: null, open_ports: [] };
  return {
    version: 1,
    nodes:
      options.vms === 0
        ? []
        : [
            usual,
            { ...usual, name: 'site-b', state: 'disconnected', ...lost },
            {
              ...usual,
              name: 'site-c',
              other_machine: { hostname: wordOf(options, 'esx-proxy-9'), peer: '198.51.100.4:40022', seen: now - hour },
            },
            {
              ...usual,
              name: 'site-d',
              state: 'waiting',
              ...lost,
              key: null,
              enrolled: null,
              peer: null,
              hostname: null,
              node_version: null,
              last_seen: null,
              token_expires: now + hour,
            },
          ],
  };
}

function noticesOf(options: WorldOptions, query: URLSearchParams): HubNotices {
  const { now } = options;
  const names = namesOf(options);
  const failed = query.get('outcome') === 'failed';
  const notices = names.flatMap((vm, index): HubNotices['notices'] => {
    const error = index % 5 === 1 ? `the server answered 503: ${wordOf(options, 'busy')}` : null;
    const time = now - index * 5 * hour;
    if (failed && error === null) return [];
    return [
      {
        id: `n-${index}`,
        event: ['failure', 'rpo', 'success', 'something-new'][index % 4] ?? '',
        plan: `${vm}-nightly`,
        vm,
        run_id: `r-${index}`,
        message: `The backup of ${vm} failed: the node did not answer for 60 s (node.unreachable)`,
        time,
        deliveries: [
          { channel: 'mail', state: 'sent', attempts: 0, error: null, time: time + 2000, due: time },
          {
            channel: 'chat',
            state: error === null ? 'sent' : index % 2 === 0 ? 'given-up' : 'waiting',
            attempts: error === null ? 0 : 4,
            error,
            time: error === null || index % 2 === 0 ? time + 9000 : null,
            due: now + 120_000,
          },
        ],
      },
    ];
  });
  return { version: 1, notices, next_cursor: null };
}

function channelsOf(options: WorldOptions): NotifyListOutput {
  const usual = { used_by: ['notify'], waiting: 0, last_success: options.now - hour, failing_since: null, failures: 0 };
  const mail = {
    ...usual,
    name: 'mail',
    type: 'email',
    target: 'ops@example.com by mail.example.com:587',
    error: null,
  };
  const chat = {
    ...usual,
    name: 'chat',
    type: 'webhook',
    target: 'chat.example.com',
    waiting: 3,
    failing_since: options.now - 5 * hour,
    failures: 9,
    error: `the server answered 503: ${wordOf(options, 'busy')}`,
  };
  return { version: 1, channels: options.vms === 0 ? [] : [mail, chat] };
}

function auditOf(options: WorldOptions, query: URLSearchParams): AuditOutput {
  const { now } = options;
  const [from, limit] = [Number(query.get('cursor') ?? 0), 50];
  const who = query.get('who');
  const total = 120;
  const entries = Array.from({ length: Math.min(limit, total - from) }, (_, offset): AuditOutput['entries'][number] => {
    const index = from + offset;
    const failed = index % 7 === 3;
    return {
      id: `a-${index}`,
      at: now - index * 40 * 60_000,
      ended: index === 0 ? null : now - index * 40 * 60_000 + 120,
      who: index % 7 === 3 ? '' : (['anna', 'otto', wordOf(options, 'prometheus')][index % 3] ?? ''),
      caller: ['session', 'api-token', 'command'][index % 3] ?? '',
      address: index % 3 === 2 ? null : '192.0.2.7',
      action: ['runPlan', 'protectBackup', 'login', 'download'][index % 4] ?? '',
      facts: { vm: namesOf(options)[index % 9] ?? 'pg01', run_id: `r-${index}` },
      status: failed ? 403 : 202,
      error: failed ? 'access.right' : null,
    };
  }).filter((entry) => who === null || entry.who === who);
  return { version: 1, entries, next_cursor: from + limit < total ? String(from + limit) : null };
}
