import { chmod, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { compareExport } from '../blocks/compare-export.ts';
import { openIndex } from '../blocks/block-index.ts';
import { totalLength } from '../blocks/extents.ts';
import { writtenAreas } from '../blocks/written-areas.ts';
import type { StepContext, StepPreview } from '../engine/step.ts';
import { SendenseError } from '../errors/sendense-error.ts';
import { fsyncFile, fsyncFolder } from '../host/files.ts';
import { checkImage, imageInfo } from '../host/qemu-img.ts';
import { clearRunFolder, removeRunFolder, runFolderOf } from '../host/run-folder.ts';
import type { DiskDecision, Qcow2SealInput, Qcow2SealOutput } from '../schemas/types.ts';
import { defineStep } from './define-step.ts';
import { readFolderId, serveReadOnly } from './serve-chain.ts';
import type { Services } from './services.ts';

export const qcow2Seal = defineStep<Qcow2SealInput, { readonly folder: string }, Qcow2SealOutput>({
  uses: 'qcow2.seal',
  title: 'Check, compare and flush',
  /** Where the servers for reading back have their pid files. */
  claim: (_input, facts) => ({ folder: runFolderOf(readFolderId(facts.runId)) }),

  plan: async ({ services }, input) => ({ effects: sealEffects(services, input) }),

  /** All but the digests that the files are compared with is known before the transfer. */
  planPartly: async ({ services }, { repository, disks, verify = 'changed' }) => ({
    effects: repository !== undefined && disks ? sealEffects(services, { repository, disks, verify }) : [],
  }),

  async run(context, input) {
    context.scope.defer(() => removeRunFolder(readFolderId(context.runId)));
    const { path: root } = await context.services.openRepository(input.repository);
    const disks: Qcow2SealOutput['disks'] = [];
    for (const disk of input.disks) disks.push(await seal(context, root, disk, input));
    return { disks };
  },

  undo: ({ signal }, claim) => clearRunFolder(claim.folder, signal),
});

const sealEffects = (
  services: Services,
  { repository, disks, verify }: Pick<Qcow2SealInput, 'repository' | 'disks' | 'verify'>,
): StepPreview['effects'] =>
  disks.map((disk) => {
    const file = join(services.repositoryPath(repository), disk.path);
    return {
      action: 'change',
      target: file,
      detail: `flushed, read-only; read back: ${comparedPart(disk, verify)}`,
      argv: ['qemu-img', 'check', '--output=json', '-f', 'qcow2', file],
    };
  });

function comparedPart(disk: DiskDecision, verify: 'changed' | 'all'): 'everything' | 'what changed' | 'nothing' {
  if (verify === 'all' || (disk.mode === 'full' && !disk.still)) return 'everything';
  return disk.mode === 'incremental' ? 'what changed' : 'nothing';
}

async function seal(
  context: StepContext<Services>,
  root: string,
  disk: DiskDecision,
  input: Qcow2SealInput,
): Promise<Qcow2SealOutput['disks'][number]> {
  const file = join(root, disk.path);
  await assertSound(file, disk, context.signal);
  const compared = await readBack(context, root, disk, input);
  await chmod(file, 0o444);
  await fsyncFile(file);
  await fsyncFolder(dirname(file));
  const info = await stat(file, { bigint: true });
  return {
    disk: disk.disk,
    file_bytes: Number(info.size),
    file_mtime_ns: String(info.mtimeNs),
    compared_bytes: compared,
  };
}

async function assertSound(file: string, disk: DiskDecision, signal: AbortSignal): Promise<void> {
  const [check, info] = await Promise.all([checkImage(file, signal), imageInfo(file, { format: 'qcow2', signal })]);
  if (!check.ok) throw new SendenseError('content.mismatch', `${file}: qemu-img check: ${check.message}`);
  if (info.virtualSize !== disk.capacity_bytes) {
    throw new SendenseError(
      'content.mismatch',
      `${file} has a capacity of ${info.virtualSize} bytes, the disk has ${disk.capacity_bytes}`,
    );
  }
}

/** Reads back what was written and compares it with the block index of the source. */
async function readBack(
  context: StepContext<Services>,
  root: string,
  disk: DiskDecision,
  input: Qcow2SealInput,
): Promise<number> {
  const part = comparedPart(disk, input.verify);
  const indexPath = join(root, disk.index_path);
  await assertDigest(indexPath, disk, input);
  if (part === 'nothing') return 0;
  const areas =
    part === 'everything' || !disk.parent
      ? undefined
      : await writtenAreas({
          file: join(root, disk.path),
          index: indexPath,
          parentIndex: join(root, disk.parent.index_path),
          capacity: disk.capacity_bytes,
          signal: context.signal,
        });
  const total = areas ? totalLength(areas) : disk.capacity_bytes;
  if (total === 0) return 0;
  await using server = await serveReadOnly(join(root, disk.path), 'qcow2', readFolderId(context.runId), context.signal);
  const started = performance.now();
  const result = await compareExport({
    uri: server.uri,
    indexPath,
    ...(areas ? { areas } : {}),
    signal: context.signal,
    onProgress: (done) =>
      context.progress([
        {
          disk: disk.disk,
          phase: 'comparing',
          bytes_done: done,
          bytes_total: total,
          rate: Math.round((done * 1000) / (performance.now() - started + 1)),
        },
      ]),
  });
  const first = result.mismatches[0];
  if (first) {
    throw new SendenseError(
      'content.mismatch',
      `${disk.disk}: what ${disk.path} holds differs from what was read from the source, first at offset ${first.offset} (${first.length} bytes); the source changed while it was read, or the storage is faulty`,
    );
  }
  return result.comparedBytes;
}

async function assertDigest(indexPath: string, disk: DiskDecision, input: Qcow2SealInput): Promise<void> {
  await using index = await openIndex(indexPath);
  const expected = input.transferred.find((entry) => entry.disk === disk.disk)?.digest;
  if (index.root !== expected || index.capacity !== disk.capacity_bytes) {
    throw new SendenseError(
      'content.mismatch',
      `${indexPath} has digest ${index.root} and capacity ${index.capacity}, expected ${expected} and ${disk.capacity_bytes}`,
    );
  }
}
