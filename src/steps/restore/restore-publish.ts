import { rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { exists, fsyncFolder, nameFile } from '../../host/files/files.ts';
import type { RestorePublishInput, RestorePublishOutput } from '../../schemas/types.ts';
import { defineStep } from '../define-step.ts';

type Claim = readonly { readonly disk: string; readonly temporary: string; readonly file: string }[];

/** Tells our file from another one that took its name: device and inode of the temporary file, remembered before it is linked. */
const identity = async (path: string): Promise<string | null> => {
  const info = await stat(path, { bigint: true }).catch(() => null);
  return info ? `${info.dev}:${info.ino}` : null;
};

export const restorePublish = defineStep<RestorePublishInput, Claim, RestorePublishOutput>({
  uses: 'restore.publish',
  title: 'Give the files their names',
  leaves: 'result',
  claim: (input) => input.files.map(({ disk, temporary, file }) => ({ disk, temporary, file })),
  plan: async (_context, input) => ({
    effects: input.files.map((file) => ({
      action: 'create',
      target: file.file,
      detail: 'renamed from its temporary name',
      argv: null,
    })),
  }),

  async run(context, input, claim) {
    for (const { disk, temporary } of claim) {
      const ours = await identity(temporary);
      if (ours !== null) context.remember(disk, ours);
    }
    for (const { temporary, file } of claim) {
      // Temporary names go away only when all files have theirs: an earlier attempt came that far.
      if (!(await exists(temporary)) && (await exists(file))) continue;
      await nameFile(temporary, file);
    }
    for (const { temporary } of claim) await rm(temporary, { force: true });
    for (const folder of new Set(claim.map(({ file }) => dirname(file)))) await fsyncFolder(folder);
    return {
      disks: input.files.map((file) => ({
        disk: file.disk,
        mode: 'full',
        reason: `restored from ${input.backupId}`,
        bytes_total: input.disks.find((disk) => disk.disk === file.disk)?.capacity_bytes ?? 0,
        bytes_transferred: file.bytes_written,
        change_id: null,
        path: file.file,
      })),
    };
  },

  async published({ remembered }, claim) {
    const there = await Promise.all(
      claim.map(
        async ({ disk, file }) => remembered[disk] !== undefined && (await identity(file)) === remembered[disk],
      ),
    );
    return claim.length > 0 && there.every(Boolean);
  },

  async undo({ remembered }, claim) {
    for (const { disk, file } of claim) {
      if (remembered[disk] !== undefined && (await identity(file)) === remembered[disk]) await rm(file);
    }
  },
});
