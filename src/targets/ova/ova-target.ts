import { lstat, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { assertFolderToBe } from '../../host/files/folder-to-be.ts';
import { fsyncFolder, isNamed } from '../../host/files/files.ts';
import { namedFull, temporaryPlace } from '../../host/files/full-disk.ts';
import { pinFolder } from '../../host/files/pinned-folder.ts';
import { clearRunFolder, removeRunFolder, runFolderOf } from '../../host/programs/run-folder.ts';
import type { PlannedEffect } from '../../schemas/types.ts';
import { beginParts, removeParts } from '../directory/part-folder.ts';
import { arePublished, publishFiles, removePublished, type NamesClaim } from '../directory/publish-files.ts';
import { assertApart, makeDirectory, removeMadeFolders } from '../directory/room-for-disks.ts';
import { firmwareByDisk } from '../firmware-by-disk.ts';
import type { RestoredDisk, TargetKind, WrittenDisk } from '../target-kind.ts';
import { describeVm } from './describe-vm.ts';
import { claimOf, diskFileName, partName, type OvaClaim } from './ova-names.ts';
import { readBack } from './read-back.ts';
import { warnOfRoom } from './room-for-ova.ts';
import { writeOva } from './write-ova.ts';

/** An OVA file of the hub: the whole VM in one file. */
export const ovaTarget: TargetKind<'ova', OvaClaim, NamesClaim> = {
  type: 'ova',
  claim: (to, _disks, facts) => claimOf(to, facts),

  async assertFree(request, { file }) {
    await assertFolderToBe(dirname(file));
    if (await isNamed(file)) throw await taken(file);
    await assertApart(request.from.path(), dirname(file));
    // What is missing is said before anything is made.
    await describeVm(request, 'bios');
  },

  async effects(request, { file }) {
    const { vm, notes } = await describeVm(request, 'bios');
    await request.from.keys();
    const what = `${vm.cpus.count} CPUs, ${vm.memoryBytes / 2 ** 20} MiB, ${vm.networks.length} network cards`;
    return [
      { action: 'create', target: file, detail: [`the VM ${vm.name}: ${what}`, ...notes].join('; '), argv: null },
      ...request.disks.map(({ disk }): PlannedEffect => ({
        action: 'create',
        target: file,
        detail: `in it ${diskFileName(vm.name, disk)}, compressed`,
        argv: null,
      })),
    ];
  },

  outline: (request, claim) => ({ directory: dirname(claim.file), files: filesOf(request.disks, claim, false) }),

  async write(request, claim, run) {
    const { file, folderId } = claim;
    const directory = dirname(file);
    await using stack = new AsyncDisposableStack();
    stack.defer(() => removeRunFolder(folderId));
    const { disks, from } = request;
    const isSaid = request.to.firmware !== undefined || from.point().vm_config !== null;
    const firmware = isSaid ? 'bios' : await firmwareByDisk(disks, from, { folderId, signal: run.signal });
    const described = await describeVm(request, firmware);
    for (const note of described.notes) run.log(note);
    await warnOfRoom(request, directory, run);
    await makeDirectory(directory, run.remember);
    const pinned = stack.use(await pinFolder(directory));
    // Again, where it leads to now: from here on it is this very folder.
    await assertApart(request.from.path(), await realpath(pinned.path));
    const parts = stack.use(await beginParts(pinned, claim.parts, [partName(claim)]));
    await writeOva(`${parts.path}/${partName(claim)}`, { request, described, folderId, run }).catch(
      (error: unknown) => {
        throw namedFull(error, [{ path: directory, what: 'the target of the restore' }, temporaryPlace()]);
      },
    );
    await fsyncFolder(parts.path);
    return { directory, files: filesOf(request.disks, claim, true) };
  },

  async undoWrite(claim, remembered) {
    await clearRunFolder(runFolderOf(claim.folderId));
    await removeParts(claim.parts, [partName(claim)]);
    await removeMadeFolders(dirname(claim.file), remembered['firstMade']);
  },

  readBack,
  compare: null,

  claimNames: namesOf,
  publishEffects: (written) =>
    namesOf(written).map(({ file }) => ({
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
  files: null,
};

/** One file has all disks. */
function filesOf(disks: readonly RestoredDisk[], { temporary, file }: OvaClaim, isWritten: boolean): WrittenDisk[] {
  return disks.map(({ disk, capacity_bytes: bytes }) => ({
    disk,
    temporary,
    file,
    format: 'vmdk',
    bytes_written: isWritten ? bytes : 0,
  }));
}

function namesOf(written: readonly WrittenDisk[]): NamesClaim {
  const [first] = written;
  return first ? [{ disk: 'ova', temporary: first.temporary, file: first.file }] : [];
}

async function taken(file: string): Promise<SendenseError> {
  const isFolder = (await lstat(file).catch(() => null))?.isDirectory() === true;
  return new SendenseError('file.exists', isFolder ? `${file} is a folder` : `${file} exists already`, {
    remedy: `Name a file that is not there yet${isFolder ? `, for example ${file}/vm.ova` : ''}.`,
  });
}
