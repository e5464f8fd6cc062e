import { mkdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { exists } from '../../host/files/files.ts';
import { createQcow2, createQcow2Args } from '../../host/images/qemu-img.ts';
import { backingName, manifestOfImage } from '../../repository/layout.ts';
import { assertOwnFolder } from '../../repository/own-folder.ts';
import type { Qcow2CreateInput, Qcow2CreateOutput } from '../../schemas/types.ts';
import { compresses } from './compress-image.ts';
import { defineStep } from '../define-step.ts';
import { assertSpace, knownBytes, spaceNote } from '../at-hub/space-for-run.ts';
import { settleAll } from '../../restore-points/settle-all.ts';

/** Paths relative to the repository; both files of a disk are named here, before anything makes them. */
interface Claim {
  readonly repository: string;
  readonly files: readonly string[];
  /** What would make the files part of a committed restore point. */
  readonly manifests: readonly string[];
  /** What the files will take, as far as that is known: other runs count with it. */
  readonly bytes?: number;
}

const backingOf = (disk: Qcow2CreateInput['disks'][number]): string | null =>
  disk.parent ? backingName(disk.parent.backup_id) : null;

export const qcow2Create = defineStep<Qcow2CreateInput, Claim, Qcow2CreateOutput>({
  uses: 'qcow2.create',
  title: 'Create qcow2 files',
  leaves: 'result',
  claim: (input) => ({
    repository: input.repository,
    files: input.disks.flatMap((disk) => [disk.path, disk.index_path]),
    manifests: [...new Set(input.disks.map((disk) => manifestOfImage(disk.path)))],
    bytes: knownBytes(input.disks),
  }),

  async plan(context, input) {
    const root = context.services.repositoryPath(input.repository);
    const keys = await context.services.imageKeys(input.repository);
    const note = await spaceNote(context, input.repository, input.disks, compresses(context.services, input));
    return {
      notes: note === null ? [] : [note],
      effects: input.disks.map((disk) => ({
        action: 'create',
        target: join(root, disk.path),
        detail: disk.parent ? `on top of ${disk.parent.path}` : 'standalone',
        argv: [
          'qemu-img',
          ...createQcow2Args(join(root, disk.path), disk.capacity_bytes, backingOf(disk), keys.of(disk)),
        ],
      })),
      output: {
        files: input.disks.map((disk) => ({ disk: disk.disk, file: join(root, disk.path), backing: backingOf(disk) })),
      },
    };
  },

  async run(context, input) {
    const { path: root } = await context.services.openRepository(input.repository);
    const keys = await context.services.imageKeys(input.repository);
    await assertSpace(context, input.repository, input.disks, compresses(context.services, input));
    const files = await settleAll(
      input.disks.map(async (disk) => {
        const file = join(root, disk.path);
        const backing = backingOf(disk);
        await assertOwnFolder(root, dirname(disk.path));
        await mkdir(dirname(file), { recursive: true, mode: 0o700 });
        // A second attempt with the same claim starts from nothing; the id is of this run, so the file is ours.
        await rm(file, { force: true });
        await createQcow2(file, disk.capacity_bytes, backing, context.signal, keys.of(disk));
        return { disk: disk.disk, file, backing };
      }),
    );
    return { files };
  },

  async undo({ services }, claim) {
    const root = await services.existingRepository(claim.repository);
    for (const manifest of claim.manifests) {
      // Only a database that is older than the repository can believe that this run did not commit.
      if (await exists(join(root, manifest))) {
        throw new SendenseError(
          'run.unclean',
          `${join(root, manifest)} says that the restore point was committed; its files are kept`,
          {
            remedy: 'Run `sendense-run repo import` if the state database was restored from an older copy.',
          },
        );
      }
    }
    for (const file of claim.files) {
      await rm(join(root, file), { force: true });
      await rm(join(root, `${file}.sendense-part`), { force: true });
    }
    const folders = new Set(claim.files.map(dirname));
    for (const folder of [...folders, ...new Set([...folders].map(dirname))]) await removeIfEmpty(join(root, folder));
  },
});

async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
      throw error;
  }
}
