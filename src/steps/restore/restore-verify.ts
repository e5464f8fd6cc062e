import { compareWhole } from '../../blocks/compare-whole.ts';
import { compareExport } from '../../blocks/compare-export.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { clearRunFolder, removeRunFolder, runFolderOf } from '../../host/programs/run-folder.ts';
import type { RestoreVerifyInput, RestoreVerifyOutput } from '../../schemas/types.ts';
import type { StepContext } from '../../engine/step.ts';
import { defineStep } from '../define-step.ts';
import { readFolderId } from '../../restore-points/serve-chain.ts';
import { kindNamed } from '../../targets/index.ts';
import type { Compared } from '../../targets/target-kind.ts';
import type { Services } from '../services.ts';
import { restoredFrom } from './restored-from.ts';
import { targetHub } from './target-hub.ts';

export const restoreVerify = defineStep<RestoreVerifyInput, { readonly folder: string }, RestoreVerifyOutput>({
  uses: 'restore.verify',
  title: 'Compare with the block index',
  /** Where the servers for reading back have their pid files. */
  claim: (_input, facts) => ({ folder: runFolderOf(readFolderId(facts.runId)) }),
  plan: async (_context, input) => ({
    effects: input.verify
      ? input.files.map((file) => ({
          action: 'read',
          target: file.file,
          detail: 'every block against the block index',
          argv: null,
        }))
      : [],
    notes: input.verify ? [] : ['verify is false: what is written is not compared'],
    output: { verified: input.verify, compared_bytes: 0 },
  }),

  async run(context, input) {
    if (!input.verify) return { verified: false, compared_bytes: 0 };
    context.scope.defer(() => removeRunFolder(readFolderId(context.runId)));
    let [compared, verified] = [0, true];
    for (const file of input.files) {
      const { comparedBytes, isCompared = true } = await compare(context, input, file);
      compared += comparedBytes;
      verified &&= isCompared;
    }
    return { verified, compared_bytes: compared };
  },

  undo: ({ signal }, claim) => clearRunFolder(claim.folder, signal),
});

async function compare(
  context: StepContext<Services>,
  input: RestoreVerifyInput,
  file: RestoreVerifyInput['files'][number],
): Promise<Compared> {
  const disk = input.disks.find((entry) => entry.disk === file.disk);
  if (!disk) throw new SendenseError('run.internal', `no disk ${file.disk}`);
  const kind = kindNamed(input.target, targetHub(context));
  if (kind.compare) {
    const from = restoredFrom(context.services, input.repository);
    return kind.compare(file, { disk, machine: input.machine ?? null, from });
  }
  if (!kind.readBack) throw new SendenseError('run.internal', `nobody compares what is at a ${kind.type}`);
  const key = input.repository ? (await context.services.imageKeys(input.repository)).of(disk) : null;
  const report = (phase: string, started: number) => (done: number, total: number) =>
    context.progress([
      {
        disk: file.disk,
        phase,
        bytes_done: done,
        bytes_total: total,
        rate: Math.round((done * 1000) / (performance.now() - started + 1)),
      },
    ]);
  const onRead = report('reading', performance.now());
  const reading = { folderId: readFolderId(context.runId), key, signal: context.signal, onRead };
  await using written = await kind.readBack(file, disk, reading);
  const against = { indexPath: disk.index, indexKey: key, signal: context.signal };
  const onProgress = report('comparing', performance.now());
  if (written.stored && (await compareWhole({ ...written.stored, ...against, onProgress })))
    return { comparedBytes: disk.capacity_bytes };
  const result = await compareExport({
    ...against,
    uri: written.uri,
    ...(written.rawFile === null ? {} : { file: written.rawFile }),
    onProgress,
  });
  const first = result.mismatches[0];
  if (first) {
    throw new SendenseError(
      'content.mismatch',
      `${file.disk}: the restored content differs from the block index, first at offset ${first.offset} (${first.length} bytes)`,
      {
        remedy: 'Run `sendense-run check` to see whether the restore point is damaged; try another restore point.',
      },
    );
  }
  return result;
}
