import { isRunning } from '../../host/programs/process-identity.ts';
import type { GroupMember, GroupResolveOutput, HubGroup } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { listRuns, listSteps, type RunRecord } from '../../state/runs/runs.ts';

/** A run that found no VMs tells of none: then one before it does. */
const runsLookedAt = 5;

/** The VMs of a group, and how the last run of each went. Of a plan that is no group there are none. */
export function groupMembers(state: State, plan: string): Pick<HubGroup, 'run_id' | 'running' | 'members'> {
  return state.reading(() => {
    for (const run of listRuns(state, { plan, limit: runsLookedAt })) {
      const members = membersFoundBy(state, run);
      if (members === null) continue;
      const running = run.finished === null && isRunning(run.owner);
      const begun = new Map(listRuns(state, { parentRun: run.id }).map((child) => [child.plan, child]));
      const own = (member: GroupMember): RunRecord | undefined =>
        begun.get(member.plan) ?? listRuns(state, { plan: member.plan, limit: 1 })[0];
      return {
        run_id: run.id,
        running,
        members: members.map((member) => ({
          name: member.name,
          vm: member.context,
          plan: member.plan,
          waits: running && !begun.has(member.plan),
          run: shownRun(own(member)),
        })),
      };
    }
    return { run_id: null, running: false, members: [] };
  });
}

/** Null: it has not found them. */
function membersFoundBy(state: State, { id, kind }: RunRecord): readonly GroupMember[] | null {
  if (kind !== 'group') return null;
  const found = listSteps(state, id).find(({ uses }) => uses === 'group.resolve')?.output as GroupResolveOutput | null;
  return found?.members ?? null;
}

const shownRun = (run: RunRecord | undefined): HubGroup['members'][number]['run'] =>
  run === undefined
    ? null
    : {
        run_id: run.id,
        status: run.status,
        started: run.started,
        finished: run.finished,
        warnings: run.warnings.length,
        error: run.error,
      };
