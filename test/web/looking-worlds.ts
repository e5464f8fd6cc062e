/** What the screens for looking ask: schedules, nodes, notices, audit. */
import type {
  AuditOutput,
  HubCheck,
  HubDiscovery,
  HubGrowth,
  HubNotices,
  HubPlans,
  HubPrunePreview,
  HubRepositories,
  HubTimetable,
  NodesOutput,
  NotifyListOutput,
  TimetablePlan,
} from '../../src/schemas/types.ts';
import { actingWorld } from './acting-worlds.ts';
import type { World } from './stand-in.ts';
import { namesOf, worldOf, type WorldOptions } from './worlds.ts';

const hour = 3_600_000;
const day = 24 * hour;

/** A hub with so many VMs, and all that there is to look at. */
export const lookingWorld = (options: WorldOptions): World => ({
  ...worldOf(options),
  ...actingWorld(options),
  'GET /api/v1/timetable': (query) => timetableOf(options, query),
  'POST /api/v1/schedules/pg01-nightly/pause': () => ({ version: 1, schedules: [], duplicates: [] }),
  'GET /api/v1/plans': () => plansOf(options),
  'GET /api/v1/repositories': () => repositoriesOf(options),
  'GET /api/v1/repositories/*': () => ({
    version: 1,
    measured: options.now - 90_000,
    repository: repositoriesOf(options).repositories[0],
  }),
  'GET /api/v1/repositories/primary/growth': () => growthOf(options),
  'GET /api/v1/repositories/primary/check': () => checkOf(options),
  'POST /api/v1/repositories/primary/check': () => ({ ...checkOf(options), state: 'running', ended: null }),
  'GET /api/v1/plans/weekly-prune/prune-preview': () => pruneOf(options),
  'GET /api/v1/sources': () => ({
    version: 1,
    sources: options.vms === 0 ? [] : [{ source: 'vcenter', type: 'vsphere' }],
    nodes: ['local', 'site-a'],
  }),
  'GET /api/v1/sources/vcenter/discovery': () => discoveryOf(options),
  'POST /api/v1/sources/vcenter/discover': () => ({ ...discoveryOf(options), state: 'running', ended: null }),
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
      facts: {
        vm: namesOf(options)[index % 9] ?? 'pg01',
        run_id: `r-${index}`,
        // Somebody asked for something that is not there.
        ...(index === 3 ? { repository: 'a'.repeat(3000) } : {}),
      },
      status: failed ? 403 : 202,
      error: failed ? 'access.right' : null,
    };
  }).filter((entry) => who === null || entry.who === who);
  return { version: 1, entries, next_cursor: from + limit < total ? String(from + limit) : null };
}

const GiB = 2 ** 30;

function repositoriesOf(options: WorldOptions): HubRepositories {
  const { now } = options;
  const names = namesOf(options);
  const usual: HubRepositories['repositories'][number] = {
    repository: 'primary',
    path: `/srv/${wordOf(options, 'backups').replaceAll('/', '')}`,
    id: 'b7d1',
    state: 'ready',
    error: null,
    points: names.length * 14,
    free: 610 * GiB,
    total: 4096 * GiB,
    used: 2900 * GiB,
    trash: 3 * GiB,
    min_free: 100 * GiB,
    quota: null,
    vm_quota: null,
    growth_per_day: 12 * GiB,
    full_in_days: 43,
    immutable: { wanted: 'try', problem: wordOf(options, 'the file system cannot') },
    vms: names.map((vm, index) => ({
      vm,
      context: vm,
      points: 14,
      allocated_bytes: ((index * 37) % 90) * GiB,
      logical_bytes: 640 * GiB,
      capacity_bytes: 64 * GiB,
      growth_per_day: index % 6 === 5 ? null : ((index * 7) % 11) * (GiB / 8),
      oldest: now - 40 * day,
      newest: now - 3 * hour,
    })),
  };
  const none = {
    free: null,
    total: null,
    used: null,
    trash: null,
    growth_per_day: null,
    full_in_days: null,
    points: 0,
    vms: [],
  };
  return {
    version: 1,
    measured: now - 90_000,
    repositories:
      options.vms === 0
        ? []
        : [
            usual,
            {
              ...usual,
              ...none,
              repository: 'second',
              state: 'unusable',
              error: `${wordOf(options, 'nothing')} is mounted at /srv/second`,
            },
            { ...usual, repository: 'third', free: 60 * GiB, quota: 3000 * GiB, points: 3, vms: [] },
          ],
  };
}

const growthOf = ({ now, vms }: WorldOptions): HubGrowth => ({
  version: 1,
  repository: 'primary',
  first_day: new Date(now - 30 * day).toISOString().slice(0, 10),
  days: Array.from({ length: 31 }, (_, index) => (index % 7 === 6 ? 30 : 6 + ((index * 5) % 9)) * GiB),
  room: 510 * GiB,
  forecast:
    vms < 20
      ? {
          state: 'not-enough',
          days: 3,
          per_day: null,
          per_day_low: null,
          per_day_high: null,
          full_in_days: null,
          earliest_days: null,
          latest_days: null,
        }
      : {
          state: 'known',
          days: 30,
          per_day: 12 * GiB,
          per_day_low: 9 * GiB,
          per_day_high: 15 * GiB,
          full_in_days: 42,
          earliest_days: 34,
          latest_days: 56,
        },
});

const asked = ({ now }: WorldOptions) => ({ by: 'anna', begun: now - hour, ended: now - hour + 65_000, error: null });

const checkOf = (options: WorldOptions): HubCheck => ({
  version: 1,
  repository: 'primary',
  state: 'ended',
  ...asked(options),
  result: {
    ok: false,
    quick: true,
    points_checked: 420,
    bytes_read: 3 * GiB,
    findings: [
      {
        severity: 'error',
        code: 'image.damaged',
        backup_id: 'p-1',
        path: 'x',
        message: `${wordOf(options, 'pg01')}/disk-0.qcow2 is shorter than its manifest says`,
        remedy: 'Back up anew.',
      },
      {
        severity: 'warning',
        code: 'file.leftover',
        backup_id: null,
        path: 'y',
        message: 'a file was left behind',
        remedy: 'sendense-run repo gc',
      },
    ],
    findings_total: 9,
  },
});

const pruneOf = (options: WorldOptions): HubPrunePreview => ({
  version: 1,
  plan: 'weekly-prune',
  state: 'ended',
  ...asked(options),
  result: {
    repository: 'primary',
    freed: { at_least: 80 * GiB, at_most: 95 * GiB },
    stay: 300,
    go: 42,
    unmatched: ['old*'],
    vms: namesOf(options)
      .slice(0, 5)
      .map((vm, index) => ({
        vm,
        stay: 12,
        go: index,
        freed: { at_least: index * GiB, at_most: index * GiB },
        error: null,
        remarks: index === 2 ? [wordOf(options, 'one is protected')] : [],
      })),
  },
});

const discoveryOf = (options: WorldOptions): HubDiscovery => ({
  version: 1,
  source: 'vcenter',
  state: 'ended',
  ...asked(options),
  node: 'local',
  total: 12,
  unprotected: 3,
  warnings: [`host ${wordOf(options, 'esx-7')} is not responding`],
  vms: namesOf(options)
    .slice(0, 12)
    .map((name, index) => ({
      name,
      path: `/DC1/vm/${name}`,
      id: `vm-${index}`,
      power: index % 2 === 0 ? 'poweredOn' : 'poweredOff',
      template: false,
      guest: wordOf(options, 'Debian GNU/Linux 13'),
      disks: 2,
      capacity_bytes: 120 * GiB,
      findings: index === 2 ? [`disk 2 of ${name} is independent`] : [],
      stopped: index === 2,
      plans: index < 3 ? [] : [`${name}-nightly`],
      vm: index < 3 ? null : name,
      reason: index < 3 ? 'No plan backs it up, and it has no restore point. It runs and has 2 disks, 120 GiB.' : null,
    })),
  next_cursor: null,
});

const plansOf = (_options: WorldOptions): HubPlans => ({
  version: 1,
  plans: [
    {
      plan: 'weekly-prune',
      kind: 'prune',
      vm: '*',
      file: '/etc/x.yaml',
      valid: true,
      health: null,
      right: 'keep',
      schedule: null,
    },
  ],
  next_cursor: null,
});
