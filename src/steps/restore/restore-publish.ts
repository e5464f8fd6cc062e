import { lstat, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { fsyncFolder, isNamed, nameFile } from '../../host/files/files.ts';
import { openPrivateFolder, pinFolder, type PinnedFolder } from '../../host/files/pinned-folder.ts';
import type { RestorePublishInput, RestorePublishOutput } from '../../schemas/types.ts';
import { defineStep } from '../define-step.ts';
import { removeEmpty } from './part-folder.ts';

type Claim = readonly { readonly disk: string; readonly temporary: string; readonly file: string }[];

/** Tells our file from another one that took its name: device and inode of the temporary file, remembered before it is linked. */
const identity = async (path: string): Promise<string | null> => {
  const info = await lstat(path, { bigint: true }).catch(() => null);
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
    await using opened = new AsyncDisposableStack();
    const files = await pinned(claim, opened);
    for (const { disk, from } of files) {
      const ours = await identity(from);
      if (ours !== null) context.remember(disk, ours);
    }
    for (const { from, to, file } of files) {
      // Temporary names go away only when all files have theirs: an earlier attempt came that far.
      if (!(await isNamed(from)) && (await isNamed(to))) continue;
      await nameFile(from, to, file);
    }
    for (const { from } of files) await rm(from, { force: true });
    for (const folder of new Set(files.map(({ around }) => around))) await fsyncFolder(folder);
    for (const folder of new Set(claim.filter(isInParts).map(({ temporary }) => dirname(temporary))))
      await removeEmpty(folder);
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
      const folder = await pinFolder(dirname(file)).catch(() => null);
      if (folder === null) continue;
      await using held = folder;
      const path = `${held.path}/${basename(file)}`;
      if (remembered[disk] !== undefined && (await identity(path)) === remembered[disk]) await rm(path);
    }
  },
});

/** Whether it lies in a folder that `restore.write` has made for it, beside the file that it will be. */
const isInParts = ({ temporary, file }: Claim[number]): boolean =>
  dirname(dirname(temporary)) === dirname(file) && dirname(temporary).endsWith('.sendense-part');

interface Pinned {
  readonly disk: string;
  readonly file: string;
  /** The temporary file, the file and its folder by paths that nobody else can lead elsewhere, as far as there are such. */
  readonly from: string;
  readonly to: string;
  readonly around: string;
}

async function pinned(claim: Claim, opened: AsyncDisposableStack): Promise<Pinned[]> {
  const folders = new Map<string, PinnedFolder | null>();
  const files: Pinned[] = [];
  for (const entry of claim) {
    const { disk, temporary, file } = entry;
    const folder = dirname(temporary);
    if (isInParts(entry) && !folders.has(folder)) folders.set(folder, opened.use(await openParts(folder)));
    const held = folders.get(folder);
    const around = held ? `${held.path}/..` : dirname(file);
    const from = held ? `${held.path}/${basename(temporary)}` : temporary;
    files.push({ disk, file, from, to: `${around}/${basename(file)}`, around });
  }
  return files;
}

/** Null: there is none any more. @throws SendenseError `file.unreadable` where it is another's */
async function openParts(folder: string): Promise<PinnedFolder | null> {
  const parts = await openPrivateFolder(folder);
  if (parts !== null || !(await isNamed(folder))) return parts;
  throw new SendenseError('file.unreadable', `somebody else has put something in the place of ${folder}`, {
    remedy: 'Restore to a folder where only you can write.',
  });
}
