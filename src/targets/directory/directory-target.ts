import { realpath, rm } from 'node:fs/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import { assertFolderToBe } from '../../host/files/folder-to-be.ts';
import { fsyncFolder } from '../../host/files/files.ts';
import { namedFull, temporaryPlace } from '../../host/files/full-disk.ts';
import { pinFolder, type PinnedFolder } from '../../host/files/pinned-folder.ts';
import { clearRunFolder, removeRunFolder, runFolderOf } from '../../host/programs/run-folder.ts';
import type { PlannedEffect } from '../../schemas/types.ts';
import type { RestoredDisk, RestoreRequest, RestoreRun, TargetKind, WrittenDisk } from '../target-kind.ts';
import { directoryFiles } from './directory-files.ts';
import { claimOf, partNames, partsOf, writeFolderId, type DirectoryClaim, type DiskNames } from './disk-names.ts';
import { formatOf } from './formats.ts';
import { beginParts, removeParts } from './part-folder.ts';
import { arePublished, publishFiles, removePublished, type NamesClaim } from './publish-files.ts';
import { readBack } from './read-back.ts';
import { assertApart, assertFits, assertNothingThere, makeDirectory, removeMadeFolders } from './room-for-disks.ts';
import { commandOf, writeDisk } from './write-disk.ts';

/** Files in a folder of the hub, one for each disk. */
export const directoryTarget: TargetKind<'directory', DirectoryClaim, NamesClaim> = {
  type: 'directory',
  claim: claimOf,

  async assertFree({ from }, claim) {
    await assertFolderToBe(claim.directory);
    await assertNothingThere(claim);
    await assertApart(from.path(), claim.directory);
  },

  async effects(request, { targets }) {
    // Looked up once, and even where no command needs them: what is wrong with them is said now.
    const keys = await request.from.keys();
    const known = { ...request, from: { ...request.from, keys: async () => keys } };
    const argv = await Promise.all(targets.map((names, index) => commandOf(known, diskAt(request, index), names)));
    return targets.map((names, index): PlannedEffect => ({
      action: 'create',
      target: names.file,
      detail: request.to.thin ? 'overlay on the repository' : 'a copy of its own',
      argv: argv[index] ?? null,
    }));
  },

  outline: ({ to }, { directory, targets }) => ({
    directory,
    files: targets.map((names) => ({ ...names, format: formatOf(to).driver, bytes_written: 0 })),
  }),

  async write(request, claim, run) {
    const { directory, targets } = claim;
    await assertFits(request, directory, run);
    await makeDirectory(directory, (name, value) => run.remember(name, value));
    await using stack = new AsyncDisposableStack();
    stack.defer(() => removeRunFolder(writeFolderId(run.runId)));
    await using pinned = await pinFolder(directory);
    // Again, where it leads to now: from here on it is this very folder.
    await assertApart(request.from.path(), await realpath(pinned.path));
    await using parts = await beginParts(pinned, claim.parts ?? partsOf(directory, run), partNames(claim));
    const files = await writeAll(request, targets, parts, run).catch((error: unknown) => {
      throw namedFull(error, [{ path: directory, what: 'the target of the restore' }, temporaryPlace()]);
    });
    return { directory, files };
  },

  async undoWrite(claim, remembered) {
    if (claim.folderId !== undefined) await clearRunFolder(runFolderOf(claim.folderId));
    if (claim.parts === undefined) for (const { temporary } of claim.targets) await rm(temporary, { force: true });
    else await removeParts(claim.parts, partNames(claim));
    await removeMadeFolders(claim.directory, remembered['firstMade']);
  },

  readBack,
  compare: null,

  claimNames: (written) => written.map(({ disk, temporary, file }) => ({ disk, temporary, file })),
  publishEffects: (written) =>
    written.map(({ file }) => ({
      action: 'create',
      target: file,
      detail: 'renamed from its temporary name',
      argv: null,
    })),
  publish: publishFiles,
  isPublished: arePublished,
  undoPublish: removePublished,

  safeguarding: null,
  converting: null,
  starting: null,
  files: directoryFiles,
};

async function writeAll(
  request: RestoreRequest<'directory'>,
  targets: readonly DiskNames[],
  parts: PinnedFolder,
  run: RestoreRun,
): Promise<WrittenDisk[]> {
  const files: WrittenDisk[] = [];
  for (const [index, names] of targets.entries())
    files.push(await writeDisk(request, diskAt(request, index), names, parts, run));
  await fsyncFolder(parts.path);
  return files;
}

function diskAt({ disks }: RestoreRequest<'directory'>, index: number): RestoredDisk {
  const disk = disks[index];
  if (!disk) throw new SendenseError('run.internal', `no disk ${index}`);
  return disk;
}
