import type { HubRepositories, HubTrouble, HubVm, NodesOutput, Settings, StatusOutput } from '../../schemas/types.ts';
import { capacityLimits } from '../../repository/stored-files/capacity.ts';
import type { ScheduleRecord } from '../../state/schedules/schedules.ts';
import { formatAge } from '../../view/format-age.ts';
import { formatBytes, plural } from '../../view/format.ts';
import type { Space } from './measured-repositories.ts';

export interface TroubleFacts {
  readonly status: StatusOutput;
  readonly vms: readonly HubVm[];
  readonly schedules: readonly ScheduleRecord[];
  readonly nodes: NodesOutput['nodes'];
  readonly repositories: Settings['repositories'];
  readonly spaces: ReadonlyMap<string, Space>;
  /** As measured last. */
  readonly measured: HubRepositories['repositories'];
  /** Whether one works that begins what schedules say. */
  readonly daemon: boolean;
  /** Checks that found faults. */
  readonly checks: readonly FailedCheck[];
}

/** What a check of a repository found that somebody asked for. */
export interface FailedCheck {
  readonly repository: string;
  /** When it ended, milliseconds since the epoch. */
  readonly ended: number;
  readonly faults: number;
  /** The first of them. */
  readonly message: string;
}

type Trouble = Partial<HubTrouble> & Pick<HubTrouble, 'kind' | 'message'>;

/** What is wrong now, in words, the worst first. What was wrong once and is well again is not in it. */
export const troubles = (facts: TroubleFacts): HubTrouble[] =>
  [
    ...noDaemon(facts),
    ...vmTroubles(facts),
    ...planTroubles(facts),
    ...damagedPoints(facts),
    ...failedChecks(facts),
    ...invalidPlans(facts),
    ...clockTroubles(facts),
    ...lostNodes(facts),
    ...fullRepositories(facts),
    ...fullQuotas(facts),
    ...leftBehind(facts),
    ...repositoryTroubles(facts),
    ...failingChannels(facts),
  ].map((trouble) => ({
    since: null,
    vm: null,
    plan: null,
    node: null,
    repository: null,
    run_id: null,
    ...trouble,
  }));

function noDaemon({ daemon, schedules }: TroubleFacts): Trouble[] {
  const waiting = schedules.filter(
    ({ facts, removed, paused }) =>
      facts !== null && facts.schedule.enabled !== false && removed === null && paused === null,
  );
  if (daemon || waiting.length === 0) return [];
  const message = `No daemon runs: nothing begins of ${plural(waiting.length, 'plan')} with a schedule. Start it: systemctl start sendense-daemon`;
  return [{ kind: 'daemon', message }];
}

const failedChecks = ({ checks }: TroubleFacts): Trouble[] =>
  checks.map(({ repository, ended, faults, message }) => ({
    kind: 'damaged',
    repository,
    since: ended,
    message: `Repository ${repository}: a check found ${plural(faults, 'fault')}: ${message}`,
  }));

const stateKinds: Readonly<Partial<Record<HubVm['state'], HubTrouble['kind']>>> = {
  failing: 'failed',
  late: 'late',
  never: 'never',
};

function vmTroubles({ vms }: TroubleFacts): Trouble[] {
  const wrong = vms.flatMap((vm): Trouble[] => {
    const kind = stateKinds[vm.state];
    if (kind === undefined) return [];
    const last = vm.last_run;
    const failed = last !== null && last.status !== 'succeeded';
    return [
      {
        kind,
        vm: vm.vm,
        plan: vm.plans[0] ?? null,
        message: `${vm.vm}: ${vm.reason ?? vm.state}`,
        since: failed ? last.finished : (vm.newest?.created ?? null),
        run_id: failed ? last.run_id : null,
      },
    ];
  });
  const order = ['failing', 'late', 'never'].map((state) => stateKinds[state as HubVm['state']]);
  return order.flatMap((kind) => wrong.filter((one) => one.kind === kind));
}

/** Of plans that make no backups of a VM of their own, the VMs say nothing. */
function planTroubles({ status, vms }: TroubleFacts): Trouble[] {
  const told = new Set(vms.filter(({ state }) => stateKinds[state] !== undefined).flatMap(({ plans }) => plans));
  return status.plans.flatMap((plan): Trouble[] => {
    const about = { plan: plan.plan, vm: plan.vm === '*' ? null : plan.vm, run_id: plan.last_failure_run };
    const missed: Trouble[] =
      plan.missed_slots === 0
        ? []
        : [
            {
              kind: 'missed',
              ...about,
              run_id: null,
              message: `${plan.plan}: ${plural(plan.missed_slots, 'time')} of its schedule passed without a run`,
              since: plan.last_success,
            },
          ];
    if (plan.state === 'gone')
      return [...missed, { kind: 'gone', ...about, message: `${plan.plan}: its file ${plan.file} is gone` }];
    if (told.has(plan.plan)) return missed;
    if (plan.state === 'failing') {
      const message = `${plan.plan}: its last run failed: ${plan.error?.message ?? 'see the run'}`;
      return [...missed, { kind: 'failed', ...about, message, since: plan.failing_since }];
    }
    if (plan.state !== 'late') return missed;
    const age = plan.age_ms === null ? 'it has never succeeded' : `no success for ${formatAge(plan.age_ms)}`;
    return [
      ...missed,
      {
        kind: 'late',
        ...about,
        message: `${plan.plan}: ${age} (rpo ${formatAge(plan.rpo_ms ?? 0)})`,
        since: plan.last_success,
      },
    ];
  });
}

const damagedPoints = ({ vms }: TroubleFacts): Trouble[] =>
  vms
    .filter(({ damaged }) => damaged > 0)
    .map(({ vm, damaged, damaged_since: since }) => ({
      kind: 'damaged',
      vm,
      since: since ?? null,
      message: `${vm}: ${plural(damaged, 'restore point')} ${damaged === 1 ? 'is' : 'are'} damaged`,
    }));

const invalidPlans = ({ schedules }: TroubleFacts): Trouble[] =>
  schedules.flatMap(({ plan, error, removed }) =>
    error === null || removed !== null ? [] : [{ kind: 'invalid', plan, message: `${plan}: ${error.message}` }],
  );

const clockTroubles = ({ status }: TroubleFacts): Trouble[] =>
  status.in_future.map(({ what, plan, vm, repository, time }) => ({
    kind: 'clock',
    plan,
    vm: vm === '*' ? null : vm,
    repository,
    message: `${plan ?? vm ?? repository ?? 'A time'}: the ${what === 'restore-point' ? 'newest restore point' : `last ${what}`} is in the future: a clock was wrong`,
    since: time,
  }));

const lostNodes = ({ nodes }: TroubleFacts): Trouble[] =>
  nodes
    .filter(({ state }) => state === 'disconnected')
    .map(({ name, last_seen: since }) => ({
      kind: 'disconnected',
      node: name,
      message: `The node ${name} is not connected`,
      since,
    }));

const fullRepositories = ({ repositories, spaces }: TroubleFacts): Trouble[] =>
  [...spaces].flatMap(([repository, { free, total }]): Trouble[] => {
    const { minFree, warnAt } = capacityLimits(repositories[repository]);
    if (total === 0 || (free > minFree && 1 - free / total <= warnAt)) return [];
    const message = `Repository ${repository} is nearly full: ${formatBytes(free)} of ${formatBytes(total)} are free`;
    return [{ kind: 'full', repository, message }];
  });

const fullQuotas = ({ repositories, measured }: TroubleFacts): Trouble[] =>
  measured.flatMap(({ repository: name, used, quota }): Trouble[] => {
    if (used === null || quota === null || used / quota <= capacityLimits(repositories[name]).warnAt) return [];
    const message = `Repository ${name} is nearly full: it takes ${formatBytes(used)} of its quota of ${formatBytes(quota)}`;
    return [{ kind: 'full', repository: name, message }];
  });

const leftBehind = ({ status }: TroubleFacts): Trouble[] =>
  status.runs
    .filter(({ left_behind: left }) => left !== undefined && left.length > 0)
    .map(({ run_id: id, vm, plan, left_behind: left = [], finished }) => ({
      kind: 'left-behind',
      run_id: id,
      vm: vm === '*' ? null : vm,
      plan,
      message: `Run ${id} could not clean up: ${left.join('; ')}`,
      since: finished,
    }));

const repositoryTroubles = ({ status }: TroubleFacts): Trouble[] => [
  ...(status.stuck_prunes ?? []).map(({ repository, vm, points, reason, since }): Trouble => ({
    kind: 'stuck',
    repository,
    vm,
    message: `${vm}: a prune cannot remove ${plural(points, 'restore point')}: ${reason}`,
    since,
  })),
  ...status.repositories
    .filter(({ late_points: late }) => late > 0)
    .map(({ repository, late_points: late, oldest_read: since }): Trouble => ({
      kind: 'unread',
      repository,
      message: `Repository ${repository}: ${plural(late, 'restore point')} ${late === 1 ? 'was' : 'were'} not read again in time`,
      since,
    })),
];

const failingChannels = ({ status }: TroubleFacts): Trouble[] =>
  status.channels.map(({ channel, error, failing_since: since }) => ({
    kind: 'channel',
    message: `Channel ${channel} delivers no notices: ${error ?? 'see `sendense-run notify list`'}`,
    since,
  }));
