import { chmod, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openIndex } from '../../blocks/block-index.ts';
import { totalLength } from '../../blocks/extents.ts';
import type { GuestBlocks } from '../../blocks/guest-blocks.ts';
import { writtenAreas } from '../../blocks/written-areas.ts';
import type { StepContext, StepPreview } from '../../engine/step.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { fsyncFile, fsyncFolder } from '../../host/files/files.ts';
import { imageTarget, targetOf, type ImageKey } from '../../host/images/image-options.ts';
import { checkImage, imageInfo } from '../../host/images/qemu-img.ts';
import { clearRunFolder, removeRunFolder, runFolderOf } from '../../host/programs/run-folder.ts';
import { digestOfEnvelope, guestBlocksOf } from '../../repository/envelope.ts';
import { backingName } from '../../repository/layout.ts';
import type { DiskDecision, Qcow2SealInput, Qcow2SealOutput } from '../../schemas/types.ts';
import { compressArgs, compresses, compressImage } from './compress-image.ts';
import { defineStep } from '../define-step.ts';
import { proveContent } from '../../restore-points/verify/prove-content.ts';
import { readFolderId } from '../../restore-points/serve-chain.ts';
import type { Services } from '../services.ts';
import { settleAll } from '../../restore-points/settle-all.ts';

export const qcow2Seal = defineStep<Qcow2SealInput, { readonly folder: string }, Qcow2SealOutput>({
  uses: 'qcow2.seal',
  title: 'Check, compare and flush',
  /** Where the servers for reading back have their pid files. */
  claim: (_input, facts) => ({ folder: runFolderOf(readFolderId(facts.runId)) }),

  plan: async ({ services }, input) => ({ effects: await sealEffects(services, input) }),

  /** All but the digests that the files are compared with is known before the transfer. */
  planPartly: async ({ services }, { repository, disks, verify = 'changed', compress = null }) => ({
    effects:
      repository !== undefined && disks ? await sealEffects(services, { repository, disks, verify, compress }) : [],
  }),

  async run(context, input) {
    context.scope.defer(() => removeRunFolder(readFolderId(context.runId)));
    const { path: root } = await context.services.openRepository(input.repository);
    const disks: Qcow2SealOutput['disks'] = [];
    const keys = await context.services.imageKeys(input.repository);
    for (const disk of input.disks) disks.push(await seal(context, { root, disk, input, key: keys.of(disk) }));
    return { disks };
  },

  undo: ({ signal }, claim) => clearRunFolder(claim.folder, signal),
});

async function sealEffects(
  services: Services,
  input: Pick<Qcow2SealInput, 'repository' | 'disks' | 'verify' | 'compress'>,
): Promise<StepPreview['effects']> {
  const keys = await services.imageKeys(input.repository);
  const effects = input.disks.map(async (disk) => {
    const file = join(services.repositoryPath(input.repository), disk.path);
    const compress = compresses(services, input);
    const key = keys.of(disk);
    const image = targetOf([{ file, encrypted: key !== null }], { key, alone: true });
    return [
      ...(compress
        ? [
            {
              action: 'change' as const,
              target: file,
              detail: 'rewritten with compressed clusters, beside the file until it is complete',
              argv: await compressArgs(file, disk.parent ? backingName(disk.parent.backup_id) : null),
            },
          ]
        : []),
      {
        action: 'change' as const,
        target: file,
        detail: `flushed, read-only; read back: ${comparedPart(disk, input.verify)}`,
        argv: ['qemu-img', 'check', '--output=json', ...image.objects, ...image.format, image.name],
      },
    ];
  });
  return (await Promise.all(effects)).flat();
}

/** A full is read back like all else: who else wrote to the file, or what the storage lost, shows nowhere but there. */
const comparedPart = (disk: DiskDecision, verify: 'changed' | 'all'): 'everything' | 'what changed' =>
  verify === 'all' || disk.mode === 'full' ? 'everything' : 'what changed';

interface Sealed {
  readonly root: string;
  readonly disk: DiskDecision;
  readonly input: Qcow2SealInput;
  readonly key: ImageKey | null;
}

async function seal(context: StepContext<Services>, sealed: Sealed): Promise<Qcow2SealOutput['disks'][number]> {
  const { root, disk, key } = sealed;
  const file = join(root, disk.path);
  const compression = await rewrite(context, sealed);
  await assertSound(file, disk, key, context.signal);
  const blocks = await guestBlocksOf(file, context.signal);
  const [compared, envelope] = await settleAll([
    readBack(context, sealed, blocks),
    digestOfEnvelope(file, blocks, { signal: context.signal }),
  ]);
  await chmod(file, 0o400);
  await fsyncFile(file);
  await fsyncFolder(dirname(file));
  const info = await stat(file, { bigint: true });
  return {
    disk: disk.disk,
    file_bytes: Number(info.size),
    file_mtime_ns: String(info.mtimeNs),
    compared_bytes: compared,
    compression,
    envelope,
  };
}

async function rewrite(
  context: StepContext<Services>,
  { root, disk, input }: Sealed,
): Promise<Qcow2SealOutput['disks'][number]['compression']> {
  if (!compresses(context.services, input)) return null;
  const file = join(root, disk.path);
  const started = performance.now();
  const plain = await compressImage(file, disk.parent ? backingName(disk.parent.backup_id) : null, {
    signal: context.signal,
    onProgress: (fraction) => {
      const done = Math.round(fraction * disk.capacity_bytes);
      const rate = Math.round((done * 1000) / (performance.now() - started + 1));
      context.progress([
        { disk: disk.disk, phase: 'compressing', bytes_done: done, bytes_total: disk.capacity_bytes, rate },
      ]);
    },
  });
  return { type: 'zstd', plain_bytes: plain };
}

async function assertSound(file: string, disk: DiskDecision, key: ImageKey | null, signal: AbortSignal): Promise<void> {
  const [check, info] = await Promise.all([
    checkImage(await imageTarget(file, { key, alone: true }), signal),
    imageInfo(file, { format: 'qcow2', signal }),
  ]);
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
  { root, disk, input, key }: Sealed,
  blocks: GuestBlocks,
): Promise<number> {
  const file = join(root, disk.path);
  const indexPath = join(root, disk.index_path);
  await assertDigest(indexPath, disk, input, key);
  const capacity = disk.capacity_bytes;
  const areas =
    comparedPart(disk, input.verify) === 'everything' || !disk.parent
      ? [{ offset: 0, length: capacity }]
      : await writtenAreas({
          file,
          index: indexPath,
          parentIndex: join(root, disk.parent.index_path),
          capacity,
          key,
          signal: context.signal,
        });
  const total = totalLength(areas);
  const started = performance.now();
  let done = 0;
  const first = await proveContent({
    file,
    indexPath,
    capacity,
    key,
    blocks,
    areas,
    folderId: readFolderId(context.runId),
    signal: context.signal,
    onCompared: (bytes) => {
      done = Math.min(total, done + bytes);
      const rate = Math.round((done * 1000) / (performance.now() - started + 1));
      context.progress([{ disk: disk.disk, phase: 'comparing', bytes_done: done, bytes_total: total, rate }]);
    },
  });
  if (first === null) return total;
  const why = disk.still
    ? 'another program wrote to the file, or the storage is faulty'
    : 'the source changed while it was read, another program wrote to the file, or the storage is faulty';
  throw new SendenseError(
    'content.mismatch',
    `${disk.disk}: what ${disk.path} holds differs from what was read from the source, first at offset ${first.offset} (${first.length} bytes); ${why}`,
  );
}

async function assertDigest(
  indexPath: string,
  disk: DiskDecision,
  input: Qcow2SealInput,
  key: ImageKey | null,
): Promise<void> {
  // What it takes over was looked at when the parent was chosen.
  await using index = await openIndex(indexPath, { verify: 'own', key });
  const expected = input.transferred.find((entry) => entry.disk === disk.disk)?.digest;
  if (index.root !== expected || index.capacity !== disk.capacity_bytes) {
    throw new SendenseError(
      'content.mismatch',
      `${indexPath} has digest ${index.root} and capacity ${index.capacity}, expected ${expected} and ${disk.capacity_bytes}`,
    );
  }
  const parent = index.levels[0]?.parent ?? null;
  if (parent !== null && parent !== disk.parent?.backup_id)
    throw new SendenseError('content.mismatch', `${indexPath} is built on ${parent}, the disk is not`);
}
