import type { StepContext } from '../../engine/step.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { clearRunFolder, makeRunFolder, removeRunFolder, runFolderOf } from '../../host/programs/run-folder.ts';
import { keepPicture, pictureFile } from '../../restore-points/verify/keep-picture.ts';
import { watchGuest } from '../../restore-points/verify/watch-guest.ts';
import type { RestoreStartInput, RestoreStartOutput, StartCheck } from '../../schemas/types.ts';
import { kindNamed, type TypedClaim } from '../../targets/index.ts';
import type { TargetHub } from '../../targets/target-hub.ts';
import type { StartedVm, TargetType, ToldVm, VmStarting } from '../../targets/target-kind.ts';
import { parseDuration } from '../../time/duration.ts';
import { defineStep } from '../define-step.ts';
import type { Services } from '../services.ts';
import { signsOf } from '../signs-of.ts';
import { targetHub } from './target-hub.ts';

interface StartClaim {
  /** Null: the step was not told which VM. */
  readonly vm: TypedClaim | null;
  /** Run folder for pictures of its screen. */
  readonly folder: string;
}

const folderIdOf = (runId: string): string => `${runId}-start`;

/** What was restored stays, whatever becomes of the start. A VM here that does not come up stays on: somebody will want to look at it. */
export const restoreStart = defineStep<RestoreStartInput, StartClaim, RestoreStartOutput>({
  uses: 'restore.start',
  title: 'Start the VM',
  afterPublish: 'failure',
  claim: ({ target, machine = null }, { runId }) => ({
    vm: machine === null ? null : { target, own: startingOf(target).claim(machine) },
    folder: runFolderOf(folderIdOf(runId)),
  }),

  plan: async (_context, { start, machine = null }) => ({
    effects: [
      {
        action: 'run',
        target: machine?.name ?? 'the restored VM',
        detail: `started; the run waits up to ${checkOf(start).timeout} for a sign of life`,
        argv: null,
      },
    ],
  }),

  async run(context, { machine = null, start }, { vm }) {
    if (vm === null || machine === null)
      throw new SendenseError('plan.invalid', 'the step does not say which VM it starts', {
        remedy: 'Add `machine` to the inputs of the step, as runners/restore.yaml has it.',
      });
    const folder = await makeRunFolder(folderIdOf(context.runId));
    context.scope.defer(() => removeRunFolder(folderIdOf(context.runId)));
    await using guest = await startingOf(vm.target, targetHub(context)).start(vm.own, {
      folder,
      signal: context.signal,
      log: (message) => context.log(message),
      remember: (name, value) => context.remember(name, value),
    });
    // Awaited: nobody hears the guest any more when this returns.
    return 'untilUp' in guest
      ? await told(context, guest, machine.name, checkOf(start))
      : await judge(context, guest, machine.name, checkOf(start));
  },

  async undo(context, { vm, folder }) {
    const { signal, remembered } = context;
    await clearRunFolder(folder, signal);
    if (vm !== null) await startingOf(vm.target, targetHub(context)).undoStart(vm.own, remembered, signal);
  },
});

/** @param hub what it acts with; without one it only claims */
function startingOf(target: TargetType, hub?: TargetHub): VmStarting<object> {
  const { starting } = kindNamed(target, hub);
  if (starting !== null) return starting;
  throw new SendenseError('plan.invalid', `a restore to ${target} makes no VM that could be started`, {
    remedy: 'Remove the step restore.start.',
  });
}

const checkOf = (start: boolean | StartCheck): StartCheck =>
  typeof start === 'object' ? start : { agent: false, timeout: '10m' };

async function judge(
  context: StepContext<Services>,
  guest: StartedVm,
  name: string,
  check: StartCheck,
): Promise<RestoreStartOutput> {
  const { services, runId, signal } = context;
  const started = performance.now();
  const seen = await watchGuest(guest, signsOf(check), {
    timeoutMs: parseDuration(check.timeout),
    signal,
    alive: () => context.alive(),
  });
  const seconds = (performance.now() - started) / 1000;
  // What lies beside the database of a rescue goes with it.
  const file = services.rescuing ? null : pictureFile(services.state.path, runId, name);
  const screenshot = file === null ? null : await keepPicture(guest, file);
  if (seen.sign === null) {
    const fate = seen.unheard ? 'was started, and nothing tells whether it is up' : 'did not boot';
    const where = screenshot === null ? '' : `; see ${screenshot}`;
    throw new SendenseError('start.failed', `${name} ${fate}: ${seen.problem}${where}`, { remedy: guest.remedy });
  }
  context.log(`${name} booted in ${Math.round(seconds)} s (${seen.sign})`);
  return { sign: seen.sign, seconds, screenshot };
}

async function told(
  context: StepContext<Services>,
  vm: ToldVm,
  name: string,
  check: StartCheck,
): Promise<RestoreStartOutput> {
  const started = performance.now();
  const seen = await vm.untilUp(parseDuration(check.timeout), () => context.alive());
  const seconds = (performance.now() - started) / 1000;
  if (seen.sign === null)
    throw new SendenseError('start.failed', `${name} did not come up: ${seen.problem}`, { remedy: seen.remedy });
  context.log(`${name} came up in ${Math.round(seconds)} s (${seen.sign})`);
  return { sign: seen.sign, seconds, screenshot: null };
}
