import { nameFrom } from '../../plan/names.ts';
import type { BackupPlan, GroupMember, GroupPlan } from '../../schemas/types.ts';
import { fits, type SourceVm } from './select-members.ts';

/** Keys that a group hands to the plan of each VM, and that an override may change. */
const policyKeys = [
  'mode',
  'verify',
  'limits',
  'transfer',
  'retention',
  'timeout',
  'stallTimeout',
  'compress',
] as const;

/**
 * The plan of one VM of a group: the policy of the group, changed by the overrides that fit, in their order.
 * @param source name of the source in sendense.yaml
 * @param context name of the VM in the repository
 */
export function childPlan(group: GroupPlan, source: string, vm: SourceVm, context: string): GroupMember {
  const fitting = (group.overrides ?? []).filter(({ match }) => fits(vm, match));
  const layers = [
    group as unknown as Readonly<Record<string, unknown>>,
    ...(fitting as readonly Readonly<Record<string, unknown>>[]),
  ];
  const last = (key: string): unknown => layers.map((layer) => layer[key]).findLast((value) => value !== undefined);
  const repository = String(last('repository'));
  const node = String(last('node'));
  const policy = Object.fromEntries(
    policyKeys.map((key) => [key, last(key)] as const).filter(([, value]) => value !== undefined),
  );
  const reading = Object.assign({}, ...layers.map((layer) => layer['vm'])) as Partial<BackupPlan['vm']>;
  const name = nameFrom(`${group.name}.${context}`);
  const plan = {
    version: 1,
    kind: 'backup',
    name,
    vm: { name: context, source, ...(vm.moref === null ? {} : { moref: vm.moref }), ...reading },
    repository,
    node,
    ...policy,
    ...inZoneOf(group, policy['retention']),
  };
  return {
    name: vm.name,
    context,
    plan: name,
    moref: vm.moref,
    path: vm.path,
    priority: fitting.map(({ priority }) => priority).findLast((value) => value !== undefined) ?? 0,
    repository,
    node,
    text: JSON.stringify(plan),
  };
}

/** The plan of a VM has no schedule of its own: without it, days would be counted in UTC. */
function inZoneOf({ schedule }: GroupPlan, retention: unknown): { retention?: object } {
  if (schedule?.timezone === undefined || typeof retention !== 'object' || retention === null) return {};
  return { retention: { timezone: schedule.timezone, ...retention } };
}
