import { nameFrom } from '../../plan/names.ts';
import type { BackupPlan, GroupMember, GroupPlan } from '../../schemas/types.ts';
import type { SourceVm } from '../../sources/source-kind.ts';
import { fits } from './select-members.ts';

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
 * A VM of a group with what its run will have. Its plan is not in it, because members are kept in journal and logs:
 * {@link planOfMember} makes it from the group, whenever it is needed.
 * @param source name of the source in sendense.yaml
 * @param context name of the VM in the repository
 */
export function groupMember(group: GroupPlan, source: string, vm: SourceVm, context: string): GroupMember {
  const overrides = (group.overrides ?? []).flatMap(({ match }, index) => (fits(vm, match) ? [index] : []));
  const layers = layersOf(group, overrides);
  return {
    name: vm.name,
    context,
    plan: nameFrom(`${group.name}.${context}`),
    source,
    moref: vm.moref,
    path: vm.path,
    priority: Number(last(layers.slice(1), 'priority') ?? 0),
    repository: String(last(layers, 'repository')),
    node: String(last(layers, 'node')),
    overrides,
  };
}

/** The plan of one VM of a group, JSON: the policy of the group, changed by the overrides that fit, in their order. */
export function planOfMember(group: GroupPlan, member: GroupMember): string {
  const layers = layersOf(group, member.overrides);
  const policy = Object.fromEntries(
    policyKeys.map((key) => [key, last(layers, key)] as const).filter(([, value]) => value !== undefined),
  );
  const reading = Object.assign({}, ...layers.map((layer) => layer['vm'])) as Partial<BackupPlan['vm']>;
  const { context, moref, source } = member;
  return JSON.stringify({
    version: 1,
    kind: 'backup',
    name: member.plan,
    vm: { name: context, source, ...(moref === null ? {} : { moref }), ...reading },
    repository: member.repository,
    node: member.node,
    ...policy,
    ...inZoneOf(group, policy['retention']),
  });
}

type Layer = Readonly<Record<string, unknown>>;

/** The group, and its overrides that fit, by their places. */
const layersOf = (group: GroupPlan, overrides: readonly number[]): Layer[] => [
  group as unknown as Layer,
  ...overrides.map((index) => (group.overrides?.[index] ?? {}) as unknown as Layer),
];

const last = (layers: readonly Layer[], key: string): unknown =>
  layers.map((layer) => layer[key]).findLast((value) => value !== undefined);

/** The plan of a VM has no schedule of its own: without it, days would be counted in UTC. */
function inZoneOf({ schedule }: GroupPlan, retention: unknown): { retention?: object } {
  if (schedule?.timezone === undefined || typeof retention !== 'object' || retention === null) return {};
  return { retention: { timezone: schedule.timezone, ...retention } };
}
