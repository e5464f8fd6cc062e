import type { StepContext } from '../../engine/step.ts';
import { parseDuration } from '../../time/duration.ts';
import { clearRunFolder, runFolderOf } from '../../host/programs/run-folder.ts';
import { requireTools } from '../../host/programs/tools.ts';
import { qemuSystem } from '../../host/images/qemu-system.ts';
import { sizeBytes } from '../../repository/stored-files/size.ts';
import type { BootCheck, PointsBootInput, PointsBootOutput } from '../../schemas/types.ts';
import { findPoint, type PointKey, type RestorePoint } from '../../state/points/restore-points.ts';
import { defineStep } from '../define-step.ts';
import type { Services } from '../services.ts';
import { signsOf } from '../signs-of.ts';
import { bootPoint } from '../../restore-points/verify/boot-point.ts';
import { pictureFile } from '../../restore-points/verify/keep-picture.ts';
import { recordLevel, withPoint } from './verify-level.ts';

type BootedPoint = PointsBootOutput['booted'][number];

const bootFolderId = (runId: string): string => `${runId}-boot`;

/** A restore point that does not boot is a failed verification, but not broken: its content is what was backed up. */
export const pointsBoot = defineStep<PointsBootInput, { readonly folder: string }, PointsBootOutput>({
  uses: 'points.boot',
  title: 'Boot restore points',
  /** Where overlays, sockets and the pid file of the virtual machine are. */
  claim: (_input, facts) => ({ folder: runFolderOf(bootFolderId(facts.runId)) }),

  plan: async (_context, { boot }) => ({
    effects: [],
    notes: boot ? ['the newest sound restore point of each VM is booted from a throw-away overlay'] : [],
  }),

  async run(context, input) {
    if (!input.boot) return { booted: [], problems: [] };
    const { services, signal } = context;
    await requireTools([qemuSystem], signal);
    const booted: BootedPoint[] = [];
    for (const point of newestOf(services, input)) {
      signal.throwIfAborted();
      const key = { repository: input.repository, context: point.vm.context, backupId: point.backup_id };
      const result = await withPoint(context, key, () => bootOne(context, input.boot as BootCheck, point, key));
      if (result === null) continue;
      context.log(
        result.ok
          ? `${result.vm} ${result.backup_id} booted in ${Math.round(result.seconds)} s (${result.sign})`
          : sentence(result),
      );
      booted.push(result);
    }
    return { booted, problems: booted.filter(({ ok }) => !ok).map(sentence) };
  },

  undo: ({ signal }, claim) => clearRunFolder(claim.folder, signal),
});

const sentence = ({ vm, backup_id: id, problem, screenshot }: BootedPoint): string =>
  `${vm} ${id} did not boot: ${problem}${screenshot === null ? '' : `; see ${screenshot}`}`;

/** Of each VM the newest one that was found sound. */
function newestOf({ state }: Services, { repository, points }: PointsBootInput): RestorePoint[] {
  const newest = new Map<string, RestorePoint>();
  for (const { vm, backup_id: backupId, ok } of points) {
    const point = ok ? findPoint(state, { repository, context: vm, backupId }) : undefined;
    if (point && point.sequence > (newest.get(vm)?.sequence ?? -1)) newest.set(vm, point);
  }
  return [...newest.values()];
}

async function bootOne(
  context: StepContext<Services>,
  check: BootCheck,
  point: RestorePoint,
  key: PointKey,
): Promise<BootedPoint> {
  const { services, runId } = context;
  context.log(`${key.context} ${key.backupId} is booted`);
  const { sign, seconds, screenshot, problem } = await bootPoint({
    root: services.repositoryPath(key.repository),
    point,
    keys: await services.imageKeys(key.repository),
    folderId: bootFolderId(runId),
    accel: check.accel,
    firmware: check.firmware,
    memoryBytes: sizeBytes(check.memory),
    cpus: check.cpus,
    signs: signsOf(check),
    timeoutMs: parseDuration(check.timeout),
    // What lies beside the database of a rescue goes with it.
    screenshot: services.rescuing ? null : pictureFile(services.state.path, runId, key.context),
    signal: context.signal,
    alive: context.alive,
  });
  recordLevel(context, key, {
    level: 'boot',
    problem,
    detail: problem,
    message: `Restore point ${key.backupId} of ${key.context} did not boot: ${problem}`,
  });
  return { vm: key.context, backup_id: key.backupId, ok: problem === null, sign, seconds, screenshot, problem };
}
