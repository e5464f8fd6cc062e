import { dirname, join } from 'node:path';
import type { StepContext } from '../../engine/step.ts';
import { parseDuration } from '../../time/duration.ts';
import { clearRunFolder, runFolderOf } from '../../host/programs/run-folder.ts';
import { requireTools } from '../../host/programs/tools.ts';
import { qemuSystem } from '../../host/images/qemu-system.ts';
import { sizeBytes } from '../../repository/stored-files/size.ts';
import type { BootCheck, PointsBootInput, PointsBootOutput } from '../../schemas/types.ts';
import { raiseNotice } from '../../state/notices/notices.ts';
import { recordVerification } from '../../state/points/point-marks.ts';
import { releaseUse, usePoint } from '../../state/points/point-uses.ts';
import { findPoint, type PointKey, type RestorePoint } from '../../state/points/restore-points.ts';
import { defineStep } from '../define-step.ts';
import type { Services } from '../services.ts';
import { bootPoint } from '../../restore-points/verify/boot-point.ts';

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
      const result = await bootOne(context, input, input.boot as BootCheck, point);
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
  { repository }: PointsBootInput,
  check: BootCheck,
  point: RestorePoint,
): Promise<BootedPoint> {
  const { services, runId } = context;
  const { state } = services;
  const key: PointKey = { repository, context: point.vm.context, backupId: point.backup_id };
  const serial = check.serial?.mark ?? null;
  const wantsPicture = check.picture !== undefined || (serial === null && !check.agent);
  usePoint(state, runId, key);
  context.log(`${key.context} ${key.backupId} is booted`);
  try {
    const seen = await bootPoint({
      root: services.repositoryPath(repository),
      point,
      keys: await services.imageKeys(repository),
      folderId: bootFolderId(runId),
      accel: check.accel,
      firmware: check.firmware,
      memoryBytes: sizeBytes(check.memory),
      cpus: check.cpus,
      signs: {
        serial,
        agent: check.agent,
        stillMs: wantsPicture ? parseDuration(check.picture?.still ?? '20s') : null,
      },
      timeoutMs: parseDuration(check.timeout),
      // What lies beside the database of a rescue goes with it.
      screenshot: services.rescuing ? null : screenshotFile(state.path, runId, key.context),
      signal: context.signal,
      alive: context.alive,
    });
    record(context, key, seen.problem);
    const { sign, seconds, screenshot, problem } = seen;
    return { vm: key.context, backup_id: key.backupId, ok: problem === null, sign, seconds, screenshot, problem };
  } finally {
    releaseUse(state, runId, key);
  }
}

function record(
  { services: { state }, runId, planName }: StepContext<Services>,
  key: PointKey,
  problem: string | null,
): void {
  const { repository, context: vm, backupId } = key;
  const found = {
    level: 'boot',
    finished: Date.now(),
    ok: problem === null,
    runId,
    bytesRead: 0,
    detail: problem,
  } as const;
  recordVerification(state, key, found);
  if (problem === null) return;
  raiseNotice(state, {
    event: 'verification-failure',
    plan: planName,
    vm,
    repository,
    runId,
    message: `Restore point ${backupId} of ${vm} did not boot: ${problem}`,
    details: { backup_id: backupId, problem },
  });
}

/** Beside the log of the run. */
const screenshotFile = (statePath: string, runId: string, vm: string): string =>
  join(dirname(statePath), 'logs', `${runId.slice(0, 4)}-${runId.slice(4, 6)}`, `${runId}-${vm}.png`);
