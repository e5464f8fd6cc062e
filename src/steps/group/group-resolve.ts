import type { PlanContext } from '../../engine/step.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { GroupMember, GroupPlan, GroupResolveInput, GroupResolveOutput } from '../../schemas/types.ts';
import { defineStep } from '../define-step.ts';
import { groupMember } from './child-plan.ts';
import { listSourceVms } from './list-source-vms.ts';
import { nameMembers, takenNames } from './name-members.ts';
import { compareMembers } from './order-members.ts';
import type { SourceVm } from '../../sources/source-kind.ts';
import { matchText, selectMembers } from './select-members.ts';
import { knownVms, type KnownVm } from '../../restore-points/choose/known-vms.ts';
import type { Services } from '../services.ts';

export const groupResolve = defineStep<GroupResolveInput, null, GroupResolveOutput>({
  uses: 'group.resolve',
  title: 'Find the VMs of the group',
  claim: () => null,

  async plan(context, input) {
    const output = await resolve(context, input.group as unknown as GroupPlan);
    return { effects: [], notes: [...output.warnings, ...output.members.map(note)], output };
  },

  async run(context, input) {
    const output = await resolve(context, input.group as unknown as GroupPlan);
    context.log(`${output.members.length} VMs belong to the group`);
    for (const warning of output.warnings) context.warn(warning);
    return output;
  },
});

const note = ({ name, context, path, priority }: GroupMember): string =>
  `${name === context ? name : `${name} as ${context}`}${path === null ? '' : ` (${path})`}${priority === 0 ? '' : `, priority ${priority}`}`;

async function resolve(context: PlanContext<Services>, group: GroupPlan): Promise<GroupResolveOutput> {
  const { services, signal } = context;
  const { source, vms, warnings } = await listSourceVms(services, group, signal);
  const selection = selectMembers(vms, group.members, group.exclude ?? []);
  if (selection.members.length === 0) {
    throw new SendenseError(
      'group.empty',
      `none of the ${vms.length} VMs of source ${source} belongs to group ${group.name} (${group.members.map(matchText).join('; ')})`,
    );
  }
  const repositories = new Set([group.repository, ...(group.overrides ?? []).flatMap((over) => over.repository ?? [])]);
  const known: KnownVm[] = [];
  for (const repository of repositories) known.push(...(await knownVms(services, repository)));
  const names = nameMembers(selection.members, known);
  const compare = compareMembers(group.order);
  const ordered = selection.members
    .map((vm) => ({ vm, member: groupMember(group, source, vm, names.get(vm) ?? vm.name) }))
    .map(({ vm, member }) => ({ member, place: placeOf(vm, member, known) }))
    .toSorted((a, b) => compare(a.place, b.place));
  return {
    members: ordered.map(({ member }) => member),
    warnings: [...warnings, ...selection.warnings, ...takenNames(names, known)],
  };
}

const placeOf = (vm: SourceVm, { context, priority }: GroupMember, known: readonly KnownVm[]) => ({
  name: vm.name,
  priority,
  capacity: vm.capacity,
  newest: known.find((one) => one.context === context)?.newest ?? null,
});
