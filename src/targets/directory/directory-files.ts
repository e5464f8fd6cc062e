import { resolve } from 'node:path';
import { partName } from '../../files/take/part.ts';
import { assertFolderToBe } from '../../host/files/folder-to-be.ts';
import type { FilesTarget } from '../target-kind.ts';
import { assertApart, makeDirectory, removeMadeFolders } from './room-for-disks.ts';
import { takeChosen } from './take-chosen.ts';
import { areNamed, nameTaken, removeNamed, removeTaken, type NamedClaim, type TakenClaim } from './taken-files.ts';

/** Files in a folder of the hub, by their whole paths. */
export const directoryFiles: FilesTarget<'directory', TakenClaim, NamedClaim> = {
  claim: (to, { runId, stepId, planFolder }) => ({
    directory: resolve(planFolder, to.directory),
    part: partName([runId, stepId]),
  }),

  async assertApart({ repository }, { directory }) {
    await assertFolderToBe(directory);
    await assertApart(repository, directory);
  },

  outline: ({ directory, part }, places) => ({
    effects: places.map((place) => ({ action: 'create', target: directory, detail: `from ${place}`, argv: null })),
    output: { directory, part, names: [], files: 0, bytes: 0, left_out: [] },
  }),

  async take({ repository, overwrite }, claim, { point, chosen }, run) {
    await makeDirectory(claim.directory, run.remember);
    return { ...claim, ...(await takeChosen(point, chosen, claim, { run, repository, overwrite })) };
  },

  async undoTake(claim, remembered) {
    await removeTaken(claim);
    await removeMadeFolders(claim.directory, remembered['firstMade']);
  },

  claimNames: ({ directory, part, names }) => ({ directory, part, names }),
  publish: nameTaken,
  isPublished: areNamed,
  undoPublish: removeNamed,
};
