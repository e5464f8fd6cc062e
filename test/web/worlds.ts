/** Hubs with nothing, with much, and with names that somebody chose to do harm. */
import type {
  HubChain,
  HubOneVm,
  HubProgress,
  HubRunProgress,
  RestorePointOutput,
  HubRunLog,
  RunEvent,
  ShowRunOutput,
  HubStatus,
  HubTrouble,
  HubVm,
  HubVms,
  HubRuns,
  StatusOutput,
} from '../../src/schemas/types.ts';
import type { World } from './stand-in.ts';

const hour = 3_600_000;
const day = 24 * hour;

/** Names that steer terminals, browsers and readers. */
export const hostileNames = [
  '<img src=x onerror=alert(1)>',
  '\u001b[31mred\u001b[0m',
  'pg\u202etxt.exe',
  '"><script>alert(1)</script>',
  'a'.repeat(200),
  '  spaces  ',
  '日本語のサーバー',
  'שרת-גיבוי',
  '{{constructor}}',
  '%2e%2e%2fetc',
];

export interface WorldOptions {
  readonly now: number;
  readonly vms: number;
  readonly names?: readonly string[];
}

const states: readonly HubVm['state'][] = ['protected', 'late', 'failing', 'never', 'paused', 'unplanned'];

/** What a VM's days were: chance that is the same each time. */
function daysOf(seed: number, state: HubVm['state'], count: number): string {
  let chance = seed * 2654435761 + 1;
  const letters = Array.from({ length: count }, () => {
    chance = (chance * 1103515245 + 12345) % 2 ** 31;
    const part = chance / 2 ** 31;
    return part < 0.012 ? 'f' : part < 0.03 ? 'w' : part < 0.034 ? 'c' : part < 0.05 ? '.' : 's';
  });
  const fresh = Math.max(0, count - 4 - (seed % 40));
  if (seed % 5 === 0) letters.fill('.', 0, count - fresh);
  if (state === 'failing') letters.splice(count - 2, 2, 'f', 'f');
  if (state === 'late' || state === 'paused') letters.splice(count - 3, 3, '.', '.', '.');
  if (state === 'never' || state === 'unplanned') letters.fill('.');
  return letters.join('');
}

function stateOf(index: number): HubVm['state'] {
  return index % 17 === 3 ? (states[1 + (index % (states.length - 1))] ?? 'protected') : 'protected';
}

export function vmOf(index: number, name: string, { now }: WorldOptions, days: number): HubVm {
  const state = stateOf(index);
  const age = state === 'late' ? 3 * day : state === 'failing' ? 30 * hour : (index % 20) * hour + 240_000;
  const has = state !== 'never';
  return {
    vm: name,
    state,
    reason: state === 'protected' ? null : 'the last good backup began too long ago',
    plans: state === 'unplanned' ? [] : [`${name}-nightly`],
    repositories: has ? ['primary'] : [],
    rpo_ms: state === 'unplanned' ? null : day,
    age_ms: has ? age : null,
    points: has ? 12 + (index % 30) : 0,
    damaged: 0,
    damaged_since: null,
    protected: index % 9 === 0 ? 1 : 0,
    file_bytes: has ? (index + 1) * 3_700_000_000 : 0,
    oldest: has ? now - 40 * day : null,
    newest: has ? { backup_id: `${name}-1`, repository: 'primary', kind: 'incremental', created: now - age } : null,
    verified: index % 3 === 0 ? now - 2 * day : null,
    last_run: null,
    running: null,
    next: state === 'unplanned' || state === 'paused' ? null : now + (index % 24) * hour,
    days: daysOf(index + 1, state, days),
  };
}

export const namesOf = ({ vms, names = [] }: WorldOptions): string[] =>
  Array.from(
    { length: vms },
    (_, index) =>
      names[index] ??
      `${['pg', 'web', 'mail', 'build', 'files', 'ldap'][index % 6]}${String(Math.floor(index / 6) + 1).padStart(2, '0')}`,
  );

function troubles(options: WorldOptions): HubTrouble[] {
  const none = { vm: null, plan: null, node: null, repository: null, run_id: null };
  const all = namesOf(options).map((name, index) => ({ name, vm: vmOf(index, name, options, 7) }));
  const ofVms = all.flatMap(({ name, vm }): HubTrouble[] => {
    const about = { ...none, vm: name, plan: `${name}-nightly` };
    if (vm.state === 'failing')
      return [
        {
          ...about,
          kind: 'failed',
          message: `The backup of ${name} failed: the NBD server at node site-b closed the connection (data.lost)`,
          since: options.now - 30 * hour,
          run_id: `r-${name}`,
        },
      ];
    if (vm.state === 'late')
      return [
        {
          ...about,
          kind: 'late',
          message: `${name} has no backup within 24 hours: the newest one began 3 days ago`,
          since: options.now - 2 * day,
        },
      ];
    if (vm.state === 'never') return [{ ...about, kind: 'never', message: `${name} has no backup yet`, since: null }];
    return [];
  });
  const rest: HubTrouble[] = [
    {
      ...none,
      kind: 'disconnected',
      node: 'site-b',
      message: 'Node site-b is not connected; its VMs cannot be backed up',
      since: options.now - 31 * hour,
    },
    {
      ...none,
      kind: 'full',
      repository: 'primary',
      message: 'Repository primary has 61 GiB free of 2 TiB (3 %); it is full in about 4 days',
      since: null,
    },
  ];
  const order = ['failed', 'never', 'disconnected', 'late', 'full'];
  return options.vms === 0 ? [] : [...ofVms, ...rest].toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
}

const runningRun = (name: string, now: number): StatusOutput['runs'][number] => ({
  run_id: `r-now-${name}`,
  plan: `${name}-nightly`,
  vm: name,
  kind: 'backup',
  status: 'running',
  started: now - 754_000,
  finished: null,
  exit_code: null,
  backup_id: null,
  error: null,
  owner_alive: true,
});

export function statusOf(options: WorldOptions): HubStatus {
  const names = namesOf(options);
  const vms = names.map((name, index) => vmOf(index, name, options, 7));
  const count = (state: HubVm['state']): number => vms.filter((vm) => vm.state === state).length;
  const total = vms.length - count('unplanned');
  const wrong = troubles(options);
  return {
    version: 1,
    time: options.now,
    sentence:
      total === 0
        ? 'No plan protects a VM yet.'
        : `${count('protected')} of ${total} VMs are protected as their plans want.`,
    vms: {
      total,
      protected: count('protected'),
      late: count('late'),
      failing: count('failing'),
      never: count('never'),
      paused: count('paused'),
      clock: 0,
      unplanned: count('unplanned'),
    },
    wrong: wrong.slice(0, 200),
    wrong_total: wrong.length,
    next: total === 0 ? null : { plan: `${names[0]}-nightly`, begins: options.now + 40 * 60_000 },
    status: {
      version: 1,
      runs: names.slice(0, 2).map((name) => runningRun(name, options.now)),
      leases: [],
      locks: [],
      plans: [],
      repositories: [],
      channels: [],
      in_future: [],
    },
  };
}

function vmsPage(options: WorldOptions, query: URLSearchParams): HubVms {
  const names = namesOf(options).toSorted();
  const days = Number(query.get('days') ?? 0);
  const [from, limit] = [Number(query.get('cursor') ?? 0), Number(query.get('limit') ?? 100)];
  return {
    version: 1,
    time: options.now,
    first_day: days === 0 ? null : new Date(options.now - (days - 1) * day).toISOString().slice(0, 10),
    vms: names.slice(from, from + limit).map((name) => vmOf(namesOf(options).indexOf(name), name, options, days)),
    next_cursor: from + limit < names.length ? String(from + limit) : null,
  };
}

const codes = ['data.lost', 'node.unreachable', 'repository.full'];

function runsPage(options: WorldOptions, query: URLSearchParams): HubRuns {
  const names = namesOf(options);
  const total = names.length * 40;
  const [from, limit] = [Number(query.get('cursor') ?? 0), Number(query.get('limit') ?? 100)];
  const runs = Array.from({ length: Math.max(0, Math.min(limit, total - from)) }, (_, offset) => {
    const index = from + offset;
    const name = names[index % names.length] ?? '';
    const running = index < 2;
    const failed = index % 23 === 5;
    const started = options.now - index * 1_700_000 - 754_000;
    const bytes = ((index * 7919) % 900) * 3_000_000;
    return {
      run_id: running ? `r-now-${name}` : `r-${index}-${name.length}`,
      plan: `${name}-nightly`,
      kind: index % 31 === 7 ? 'verify' : 'backup',
      vm: name,
      trigger: index % 11 === 0 ? 'manual' : 'schedule',
      slot: null,
      parent_run: null,
      node: 'local',
      repository: 'primary',
      status: running ? 'running' : failed ? 'failed' : index % 41 === 9 ? 'cancelled' : 'succeeded',
      exit_code: running ? null : failed ? 6 : 0,
      started,
      finished: running ? null : started + 60_000 + (index % 50) * 21_000,
      duration_ms: running ? null : 60_000 + (index % 50) * 21_000,
      bytes_transferred: bytes,
      bytes_read: bytes,
      bytes_sent: bytes,
      bytes_stored: bytes,
      backup_id: failed || running ? null : `b-${index}`,
      warnings: index % 19 === 2 ? 1 : 0,
      error: failed
        ? {
            code: codes[index % 3] ?? '',
            message: `the node did not answer for 60 s while ${name} was read`,
            remedy: 'Look at the node: `sendense-node doctor`.',
            position: null,
          }
        : null,
    };
  });
  return { version: 1, runs, next_cursor: from + limit < total ? String(from + limit) : null };
}

/** A hub with so many VMs. */
export const worldOf = (options: WorldOptions): World => ({
  'GET /api/v1/status': () => statusOf(options),
  'GET /api/v1/vms': (query) => vmsPage(options, query),
  'GET /api/v1/runs': (query) => runsPage(options, query),
  'GET /api/v1/vms/*': () => oneVm(options),
  'GET /api/v1/backups/chain/*': () => chainOf(options),
  'GET /api/v1/runs/r-1/log': (query) => failedLog(options, namesOf(options)[0] ?? 'pg01', query),
  'GET /api/v1/progress': () => progressOf(options),
  'GET /api/v1/runs/r-now/*': () => disksOf(options),
  'GET /api/v1/runs/r-now/log': () => ({ ...emptyLog, run_id: 'r-now' }),
  'GET /api/v1/runs/r-now': () => goingRun(options, namesOf(options)[0] ?? 'pg01'),
  'GET /api/v1/runs/*': () => failedRun(options, namesOf(options)[0] ?? 'pg01'),
});

/** How far the runs are that {@link statusOf} has. */
const progressOf = (options: WorldOptions): HubProgress => ({
  version: 1,
  runs: namesOf(options)
    .slice(0, 2)
    .map((vm, index) => ({
      run_id: `r-now-${vm}`,
      plan: `${vm}-nightly`,
      vm,
      parent_run: null,
      title: 'Copy the disks',
      time: options.now,
      bytes_done: 13_100_000_000 * (index + 1),
      bytes_total: 42_900_000_000,
      rate: 118_000_000,
      overall: index === 0 ? null : { done: 38, failed: 2, total: 300, left_ms: 720_000 },
    })),
});

/** Disk by disk. */
const disksOf = (options: WorldOptions): HubRunProgress => ({
  version: 1,
  run_id: 'r-now',
  step: 'transfer',
  title: 'Copy the disks',
  time: options.now,
  disks: ['disk-0', options.names?.[0] ?? 'disk-1'].map((disk, index) => ({
    disk,
    phase: index === 0 ? 'copying' : 'waiting',
    bytes_done: index === 0 ? 13_100_000_000 : 0,
    bytes_total: index === 0 ? 42_900_000_000 : 0,
    rate: index === 0 ? 118_000_000 : 0,
  })),
  overall: null,
});

const emptyLog: HubRunLog = {
  version: 1,
  run_id: '',
  first_line: 1,
  events: [],
  next: '0.0',
  more: false,
  ended: false,
};

/** One that goes on. */
const goingRun = (options: WorldOptions, name: string): ShowRunOutput => {
  const ended = failedRun(options, name);
  return {
    ...ended,
    run: { ...runningRun(name, options.now), run_id: 'r-now' },
    warnings: [],
    steps: ended.steps.map((step) => ({
      ...step,
      state: step.id === 'transfer' ? 'started' : 'succeeded',
      error: null,
    })),
  };
};

/** One run, which failed while it read the disks. */
function failedRun({ now }: WorldOptions, name: string): ShowRunOutput {
  const error = {
    code: 'node.unreachable',
    message: `the node did not answer for 60 s while ${name} was read`,
    remedy: 'Look at the node: `sendense-node doctor`.',
    position: { file: '/etc/sendense/plans/pg01.yaml', line: 7, column: 3 },
  };
  const step = (id: string, uses: string, seconds: number): ShowRunOutput['steps'][number] => ({
    id,
    uses,
    state: 'succeeded',
    attempt: 1,
    started: now - 3 * hour + seconds * 1000,
    error: null,
    undo_error: null,
  });
  return {
    version: 1,
    run: {
      ...runningRun(name, now),
      run_id: 'r-1',
      status: 'failed',
      started: now - 3 * hour,
      finished: now - 3 * hour + 95_000,
      exit_code: 6,
      error,
      owner_alive: false,
    },
    plan_file: `/etc/sendense/plans/${name}.yaml`,
    warnings: ['the guest tools of the VM are not running; its file systems are as after a crash'],
    steps: [
      step('preflight', 'hub.preflight', 0),
      step('inspect', 'node.inspect', 2),
      step('decide', 'chain.decide', 3),
      { ...step('create', 'qcow2.create', 4), state: 'undo_finished' },
      { ...step('transfer', 'node.transfer', 5), state: 'failed', attempt: 2, error },
    ],
    trigger: 'schedule',
    asked_by: null,
    stopped_by: null,
    slot: null,
    parent_run: null,
    children: [],
    log: null,
    logs: [],
  };
}

/** Its log: a line for each percent that was copied, and words that somebody chose to do harm. */
function failedLog({ now }: WorldOptions, name: string, query: URLSearchParams): HubRunLog {
  const started = now - 3 * hour;
  const base = (seconds: number) => ({ time: started + seconds * 1000, run_id: 'r-1' });
  const titles = { preflight: 'Check tools, repository and node', transfer: 'Copy the disks' };
  const begin = (step: keyof typeof titles, uses: string, seconds: number): RunEvent => ({
    type: 'step.started',
    ...base(seconds),
    step,
    uses,
    title: titles[step],
    attempt: 1,
  });
  const { error } = failedRun({ now, vms: 1 }, name).run;
  const events: RunEvent[] = [
    {
      type: 'run.started',
      ...base(0),
      plan: `${name}-nightly`,
      kind: 'backup',
      vm: name,
      file: `/etc/sendense/plans/${name}.yaml`,
      steps: [
        { id: 'preflight', uses: 'hub.preflight', title: titles.preflight },
        { id: 'transfer', uses: 'node.transfer', title: titles.transfer },
      ],
    },
    begin('preflight', 'hub.preflight', 0),
    ...hostileNames.map((message): RunEvent => ({
      type: 'step.log',
      ...base(1),
      step: 'preflight',
      level: 'warning',
      message,
    })),
    { type: 'step.succeeded', ...base(2), step: 'preflight', duration_ms: 2000, output: {} },
    begin('transfer', 'node.transfer', 5),
    ...Array.from({ length: 100 }, (_, percent): RunEvent => {
      const disk = { disk: 'disk-0', phase: 'copying', bytes_done: percent * 1e8, bytes_total: 1e10, rate: 9e7 };
      return { type: 'step.progress', ...base(5 + percent * 0.8), step: 'transfer', disks: [disk] };
    }),
    ...(error
      ? [{ type: 'step.failed' as const, ...base(95), step: 'transfer', duration_ms: 90_000, error, retry_in_ms: null }]
      : []),
  ];
  const from = Number(query.get('after') ?? 0);
  const part = events.slice(from, from + 50);
  return {
    version: 1,
    run_id: 'r-1',
    first_line: from + 1,
    events: part,
    next: String(from + part.length),
    more: from + part.length < events.length,
    ended: from + part.length >= events.length,
  };
}

/** The first VM, whatever was asked for. */
function oneVm(options: WorldOptions): HubOneVm {
  const { now } = options;
  const first = new Date(now - 90 * day).toISOString().slice(0, 10);
  return { version: 1, time: now, first_day: first, vm: vmOf(0, namesOf(options)[0] ?? 'pg01', options, 91) };
}

/** Two chains of it: one is proven and protected, one has a damaged restore point, and a side branch. */
function chainOf(options: WorldOptions): HubChain {
  const { now, names = [] } = options;
  const vm = namesOf(options)[0] ?? 'pg01';
  const word = names[0] ?? 'before the upgrade';
  const point = (age: number, parent: number | null, more: Partial<RestorePointOutput> = {}): RestorePointOutput => ({
    backup_id: `p-${age}`,
    vm,
    repository: 'primary',
    identity: null,
    kind: parent === null ? 'full' : 'incremental',
    parent: parent === null ? null : `p-${parent}`,
    created: now - age * day,
    file_bytes: parent === null ? 40 * 2 ** 30 : (1 + age) * 2 ** 28,
    capacity_bytes: 64 * 2 ** 30,
    chain_length: 1,
    disks: [],
    warnings: [],
    protected: null,
    broken: null,
    verifications: [],
    kept: null,
    ...more,
  });
  const proven = [{ level: 'deep' as const, ok: true, finished: now - day, detail: null }];
  return {
    version: 1,
    vm,
    points: [
      point(14, null, { verifications: proven }),
      point(13, 14, { protected: { since: now, until: null, reason: word, by: 'anna' } }),
      point(12, 13, { broken: { since: now, disks: [0], reason: `disk 0 is damaged ${word}`, run_id: null } }),
      point(7, null, { warnings: [`the guest did not answer ${word}`] }),
      point(6, 7),
      point(5, 7, { verifications: [{ level: 'digests', ok: false, finished: now, detail: word }] }),
    ],
    next_cursor: null,
  };
}
