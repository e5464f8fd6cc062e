import { SendenseError } from '../../errors/sendense-error.ts';
import { clearRunFolder, makeRunFolder, removeRunFolder, runFolderOf } from '../../host/programs/run-folder.ts';
import { pictureFile } from '../../restore-points/verify/keep-picture.ts';
import type { RestoreConvertInput, RestoreConvertOutput } from '../../schemas/types.ts';
import { kindNamed, kindOfTo } from '../../targets/index.ts';
import type { RestoreRequest, TargetType, VmConverting } from '../../targets/target-kind.ts';
import { parseDuration } from '../../time/duration.ts';
import { defineStep } from '../define-step.ts';
import type { Services } from '../services.ts';
import { signsOf } from '../signs-of.ts';
import { restoredFrom } from './restored-from.ts';

interface ConvertClaim {
  readonly target: TargetType;
  readonly own: object;
  /** Run folder of the VM that is booted. */
  readonly folder: string;
}

const folderIdOf = (runId: string): string => `${runId}-convert`;

/** The disks are published after this: what fails so that they cannot be relied on fails the run, and is undone with them. */
export const restoreConvert = defineStep<RestoreConvertInput, ConvertClaim, RestoreConvertOutput>({
  uses: 'restore.convert',
  title: 'Convert the guest',
  claim: ({ to, files }, facts) => ({
    target: kindOfTo(to).type,
    own: convertingOf(kindOfTo(to).type).claim(to, files, facts),
    folder: runFolderOf(folderIdOf(facts.runId)),
  }),

  plan: async (_context, { to, files }) => {
    const { type, converting } = kindOfTo(to);
    if (converting === null)
      return { effects: [], notes: [`a restore to ${type} makes no VM that could be converted`] };
    return {
      effects: converting.effects(to, files),
      notes: ['virt-v2v cannot convert a guest that encrypts its disk'],
    };
  },

  async run(context, { machine = null, ...input }, { target, own }) {
    const converting = convertingOf(target);
    if (machine === null)
      throw new SendenseError('plan.invalid', 'the step does not say which VM it converts', {
        remedy: 'Add `machine` to the inputs of the step, as runners/restore.yaml has it.',
      });
    const { services, runId, signal } = context;
    const folderId = folderIdOf(runId);
    const folder = await makeRunFolder(folderId);
    context.scope.defer(() => removeRunFolder(folderId));
    const check = converting.check(input.to);
    const started = performance.now();
    const done = await converting.convert(requestOf(services, input), { files: input.files, machine }, own, {
      runId,
      folder,
      signal,
      signs: signsOf(check),
      timeoutMs: parseDuration(check.timeout),
      // What lies beside the database of a rescue goes with it.
      picture: services.rescuing ? null : pictureFile(services.state.path, runId, `${machine.name}-converted`),
      log: (message) => context.log(message),
      alive: () => context.alive(),
    });
    const seconds = (performance.now() - started) / 1000;
    const { problem, sign, screenshot } = done;
    if (problem === null) context.log(`${machine.name} is converted, and booted (${sign})`);
    else context.warn(notConverted(machine.name, problem, screenshot));
    return { converted: problem === null, machine: done.machine ?? machine, problem, sign, seconds, screenshot };
  },

  async undo({ signal }, { target, own, folder }) {
    await clearRunFolder(folder, signal);
    await convertingOf(target).undoConvert(own);
  },
});

const notConverted = (name: string, problem: string, screenshot: string | null): string =>
  `${name} was not converted, and has the hardware that its guest knows: ${problem}${screenshot === null ? '' : `; see ${screenshot}`}`;

function convertingOf(target: TargetType): VmConverting<TargetType, object> {
  const { converting } = kindNamed(target);
  if (converting !== null) return converting;
  throw new SendenseError('plan.invalid', `a restore to ${target} makes no VM that could be converted`, {
    remedy: 'Remove the step restore.convert.',
  });
}

const requestOf = (
  services: Services,
  { repository, to, disks, point }: Omit<RestoreConvertInput, 'machine'>,
): RestoreRequest<TargetType> => ({ to, disks, from: restoredFrom(services, repository, point) });
