import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { PlanContext } from '../../engine/step.ts';
import type { RestoreSafeguardInput, RestoreSafeguardOutput } from '../../schemas/types.ts';
import { findPoint, latestPoint, type RestorePoint } from '../../state/points/restore-points.ts';
import { kindOfTo } from '../../targets/index.ts';
import type { Safeguarding, SafeguardRequest, TargetType } from '../../targets/target-kind.ts';
import { defineStep } from '../define-step.ts';
import type { Services } from '../services.ts';
import { restoredFrom } from './restored-from.ts';
import { targetHub } from './target-hub.ts';

/** The backup is a run of its own: what it leaves behind is its own to clean up, and its restore point stays whatever comes after. */
export const restoreSafeguard = defineStep<RestoreSafeguardInput, null, RestoreSafeguardOutput>({
  uses: 'restore.safeguard',
  title: 'Back up the present state',
  /** The backup takes its snapshot and its files away first. */
  grace: 15 * 60_000,
  claim: () => null,

  async plan(context, input) {
    const wanted = await safeguardingOf(context, input).wanted(requestOf(context, input), context.runId, true);
    const newest = latestPoint(context.services.state, contextOf(input));
    return {
      effects:
        wanted.plan === null
          ? []
          : [{ action: 'run', target: input.point.vm, detail: `a backup to ${input.repository}, first`, argv: null }],
      notes: wanted.plan === null ? [`no backup is made first: ${wanted.why}`] : [],
      // What the newest restore point knows tells how much would be written.
      output: {
        backup_id: null,
        newest: newest?.backup_id ?? null,
        restored_in_place: newest?.restored_in_place ?? null,
        disks: disksOf(context.services, input, newest),
      },
    };
  },

  async run(context, input) {
    const { services, signal, runId } = context;
    const wanted = await safeguardingOf(context, input).wanted(requestOf(context, input), runId, false);
    if (wanted.plan === null) {
      context.log(`no backup is made first: ${wanted.why}`);
      return { backup_id: null, newest: null, disks: [] };
    }
    context.log('backing up the present state first');
    const finished = await services.runPlan({
      text: wanted.plan,
      origin: { trigger: 'command', parentRun: runId },
      signal,
      emit(event) {
        context.alive();
        if (event.type === 'step.progress') context.progress(event.disks);
      },
    });
    for (const warning of finished.warnings) context.warn(`the backup before the restore: ${warning}`);
    if (finished.status !== 'succeeded' || finished.backup_id === null) throw failed(finished);
    const { backup_id: backupId } = finished;
    context.log(`the present state is restore point ${backupId} (run ${finished.run_id})`);
    const made = findPoint(services.state, { ...contextOf(input), backupId });
    return {
      backup_id: backupId,
      newest: backupId,
      restored_in_place: made?.restored_in_place ?? null,
      disks: disksOf(services, input, made),
    };
  },
});

const failed = ({ run_id: run, error }: Awaited<ReturnType<Services['runPlan']>>): SendenseError =>
  new SendenseError(
    'safeguard.failed',
    `the backup of the present state failed (run ${run})${error === null ? '' : `: ${error.message}`}`,
  );

type Context = PlanContext<Services>;

/** Of a target that overwrites nothing. */
const nothing: Safeguarding<TargetType> = { wanted: async () => ({ plan: null, why: 'nothing is overwritten' }) };

const safeguardingOf = (context: Context, { to }: RestoreSafeguardInput): Safeguarding<TargetType> =>
  kindOfTo(to, targetHub(context)).safeguarding ?? nothing;

const requestOf = (
  { services }: Context,
  { repository, to, disks, point }: RestoreSafeguardInput,
): SafeguardRequest<TargetType> => ({ to, disks, from: restoredFrom(services, repository, point), repository });

const contextOf = ({ repository, point }: RestoreSafeguardInput) => ({ repository, context: point.vm });

const disksOf = (
  services: Services,
  input: RestoreSafeguardInput,
  point: RestorePoint | undefined,
): RestoreSafeguardOutput['disks'] =>
  (point?.disks ?? []).map(({ uuid, index, encryption = null, change_id: changeId }) => ({
    uuid,
    index: join(services.repositoryPath(input.repository), input.point.vm, index.path),
    encryption,
    change_id: changeId,
  }));
