/** What the screens ask that act: a restore in place, a plan for a VM, the doctor of a node, slots of the past, a group that runs. */
import type {
  DoctorOutput,
  HubGroup,
  HubOnePlan,
  HubPlanProposal,
  HubProgress,
  HubRestoreTargets,
  NotifyTestOutput,
  PlanOutput,
  SlotsOutput,
} from '../../src/schemas/types.ts';
import type { World } from './stand-in.ts';
import { namesOf, type WorldOptions } from './worlds.ts';

const hour = 3_600_000;

/** Answers of a hub with so many VMs. */
export const actingWorld = (options: WorldOptions): World => ({
  'GET /api/v1/restores/targets': () => targets,
  'POST /api/v1/restores/preview': () => inPlacePreview(options),
  'POST /api/v1/restores': () => ({ version: 1, run_id: 'r-now', plan: 'restore-pg01' }),
  'GET /api/v1/restores/r-now': () => ({}),
  'POST /api/v1/sources/vcenter/plan': () => proposal(options),
  'GET /api/v1/plan-files': () => ({ version: 1, editable: true, folder: '/etc/sendense/plans', files: [] }),
  'POST /api/v1/plan-files': (_query, body) => ({ version: 1, etag: '"1"', ...(body as object) }),
  'GET /api/v1/plan-files/*': () => ({ version: 1, file: 'pg01-nightly.yaml', etag: '"1"', text: 'version: 1\n' }),
  'POST /api/v1/nodes/site-c/doctor': () => doctorOf(options),
  'POST /api/v1/schedules/pg01-nightly/backfill': () => slotsOf(options),
  'POST /api/v1/notices/test': (_query, body) => testedBy(options, (body as { readonly channel: string }).channel),
  'GET /api/v1/plans/everything': () => groupOf(options),
  'GET /api/v1/plans/everything/text': () => ({
    version: 1,
    plan: 'everything',
    text: 'version: 1\nkind: group\n',
    file: null,
  }),
  'GET /api/v1/groups/everything': () => membersOf(options),
  'GET /api/v1/progress': () => groupProgress(options),
});

/** A word that somebody chose, or a usual one. */
const wordOf = ({ names = [] }: WorldOptions, usual: string): string => names[0] ?? usual;

const targets: HubRestoreTargets = {
  version: 1,
  folders: ['/srv/restored'],
  devices: [],
  formats: ['raw', 'qcow2'],
  vspheres: ['vcenter1'],
  nodes: ['site-a'],
};

function inPlacePreview(options: WorldOptions): PlanOutput {
  const step = (
    id: string,
    title: string,
    effects: PlanOutput['steps'][number]['effects'],
    notes: string[] = [],
  ): PlanOutput['steps'][number] => ({ id, uses: id, title, runs: 'yes', effects, notes, unknown: [] });
  const vm = namesOf(options)[0] ?? 'pg01';
  return {
    version: 1,
    plan: `restore-${vm}`,
    kind: 'restore',
    vm,
    steps: [
      step('safeguard', 'Back up the present state', [
        { action: 'run', target: vm, detail: 'a backup to primary, first', argv: null },
      ]),
      step(
        'write',
        'Write what differs',
        [{ action: 'change', target: wordOf(options, 'disk-0'), detail: '1.2 GiB of 64 GiB differ', argv: null }],
        ['what has changed since the newest restore point comes on top'],
      ),
    ],
    disks: [],
    estimated_bytes: null,
  };
}

const proposal = (options: WorldOptions): HubPlanProposal => ({
  version: 1,
  file: 'pg01-nightly.yaml',
  text: `# Made for the VM ${wordOf(options, 'pg01')}.\nversion: 1\nkind: backup\nname: pg01-nightly\n`,
});

const doctorOf = (options: WorldOptions): DoctorOutput => {
  const check = (
    id: string,
    title: string,
    result: DoctorOutput['checks'][number]['result'],
    message: string,
    remedy: string | null = null,
  ) => ({ id, title, result, message, remedy, code: null });
  return {
    version: 1,
    result: 'fail',
    checks: [
      check('hub.api', 'The node answers the hub', 'ok', 'version 0.1.0, in 12 ms; 0 jobs run'),
      check('tools', 'Programs for disks', 'fail', `missing: ${wordOf(options, 'nbdkit')}`, 'apt-get install nbdkit'),
      check('clock', 'Clocks', 'warn', 'they differ by 7 s', 'Let NTP set the clocks of both machines.'),
      check('forward.nbd', 'Ports of disks at the hub', 'skipped', 'the link is up; stop it to try each forward'),
    ],
  };
};

const slotsOf = ({ now }: WorldOptions): SlotsOutput => ({
  version: 1,
  slots: Array.from({ length: 25 }, (_, index) => ({
    plan: 'pg01-nightly',
    slot: now - (25 - index) * 24 * hour,
    state: 'missed',
    reason: 'no daemon ran',
    trigger: 'backfill',
    run_id: null,
    decided: now - hour,
  })),
});

const testedBy = (options: WorldOptions, channel: string): NotifyTestOutput => {
  const error = channel === 'mail' ? null : `the server answered 503: ${wordOf(options, 'busy')}`;
  return { version: 1, ok: error === null, channels: [{ channel, ok: error === null, error }] };
};

const groupOf = ({ now }: WorldOptions): HubOnePlan => ({
  version: 1,
  plan: {
    plan: 'everything',
    kind: 'group',
    right: 'operate',
    vm: '*',
    file: '/etc/sendense/plans/everything.yaml',
    valid: true,
    health: null,
    schedule: {
      plan: 'everything',
      kind: 'group',
      vm: '*',
      file: '/etc/sendense/plans/everything.yaml',
      cron: '30 1 * * *',
      timezone: 'Europe/Berlin',
      enabled: true,
      next: now + 9 * hour,
      begins: now + 9 * hour,
      paused: null,
      failures: 0,
      error: null,
      last: null,
    },
  },
});

/** Those of which an eighth is done, two failed, and four run. */
function membersOf(options: WorldOptions): HubGroup {
  const names = namesOf(options);
  const done = Math.max(2, Math.floor(names.length / 8));
  const error = {
    code: 'node.unreachable',
    message: `the node did not answer for 60 s while ${wordOf(options, 'a disk')} was read`,
    remedy: '',
    position: null,
  };
  return {
    version: 1,
    plan: groupOf(options).plan,
    last_run: null,
    run_id: names.length === 0 ? null : 'r-group',
    running: names.length > 0,
    members: names.map((vm, index) => {
      const [failed, runs, waits] = [index < 2, index >= done && index < done + 4, index >= done + 4];
      const started = options.now - (waits ? 26 * hour : (names.length - index) * 20_000);
      return {
        name: index % 9 === 4 ? `${vm}.example.com` : vm,
        vm,
        plan: `everything-${index}`,
        waits,
        run: {
          run_id: `r-${index}`,
          status: failed ? 'failed' : runs ? 'running' : 'succeeded',
          started,
          finished: runs ? null : started + 61_000,
          warnings: index % 11 === 5 ? 1 : 0,
          error: failed ? error : null,
        },
      };
    }),
  };
}

/** Of the group and of those of its VMs that run, and of those of Status. */
function groupProgress(options: WorldOptions): HubProgress {
  const members = membersOf(options).members;
  const one = {
    plan: 'everything',
    parent_run: 'r-group',
    title: 'Copy the disks',
    time: options.now,
    bytes_done: 13_100_000_000,
    bytes_total: 42_900_000_000,
    rate: 118_000_000,
    overall: null,
  };
  const done = members.filter(({ run, waits }) => !waits && run?.finished !== null).length;
  return {
    version: 1,
    runs: [
      {
        ...one,
        run_id: 'r-group',
        vm: '*',
        parent_run: null,
        overall: { done, failed: 2, total: members.length, left_ms: 720_000 },
      },
      ...members
        .filter(({ run }) => run?.status === 'running')
        .map(({ vm, run }) => ({ ...one, run_id: run?.run_id ?? '', vm })),
      ...namesOf(options)
        .slice(0, 2)
        .map((vm) => ({ ...one, run_id: `r-now-${vm}`, vm, parent_run: null })),
    ],
  };
}
