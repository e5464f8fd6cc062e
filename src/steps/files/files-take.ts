import { resolve } from 'node:path';
import { chooseFiles } from '../../files/choose/choose-files.ts';
import { partName } from '../../files/take/part.ts';
import { assertFolderToBe } from '../../host/files/folder-to-be.ts';
import type { FilesTakeInput, FilesTakeOutput } from '../../schemas/types.ts';
import { assertApart, makeDirectory, removeMadeFolders } from '../../targets/directory/room-for-disks.ts';
import { removeTaken, type TakenClaim } from '../../targets/directory/taken-files.ts';
import { takeChosen } from '../../targets/directory/take-chosen.ts';
import { defineStep } from '../define-step.ts';
import { inPlan, openedPoint } from './opened-point.ts';

/** So many things that were left out are told; all of them are in the output. */
const told = 20;

export const filesTake = defineStep<FilesTakeInput, TakenClaim, FilesTakeOutput>({
  uses: 'files.take',
  title: 'Take the files out',
  claim: ({ to }, { runId, stepId, planFolder }) => ({
    directory: resolve(planFolder, to.directory),
    part: partName([runId, stepId]),
  }),

  async plan({ services, planFolder, runId, stepId }, { repository, to, files, exclude }) {
    const directory = resolve(planFolder, to.directory);
    await assertFolderToBe(directory);
    await assertApart(services.repositoryPath(repository), directory);
    return {
      effects: files.map((place) => ({ action: 'create', target: directory, detail: `from ${place}`, argv: null })),
      notes: exclude ? [`left out: ${exclude.join(', ')}`] : [],
      unknown: ['which files fit'],
      output: { directory, part: partName([runId, stepId]), names: [], files: 0, bytes: 0, left_out: [] },
    };
  },

  async run(context, { repository, opened, files, exclude, overwrite }, claim) {
    const { services, signal, remember } = context;
    const { directory } = claim;
    const root = services.repositoryPath(repository);
    await assertFolderToBe(directory);
    await assertApart(root, directory);
    const point = openedPoint(opened);
    const taken = await inPlan(async () => {
      const chosen = await chooseFiles(point, { places: files, exclude: exclude ?? [], signal });
      await makeDirectory(directory, remember);
      return takeChosen(point, chosen, claim, { context, repository: root, overwrite: overwrite ?? false });
    });
    const lines = taken.left_out.map((line) => `left out: ${line.replace(/^tar: (?:\.\/)?/, '')}`);
    for (const line of lines.slice(0, told)) context.warn(line);
    if (lines.length > told) context.warn(`left out: ${lines.length - told} more`);
    return { ...taken, directory, part: claim.part };
  },

  async undo({ remembered }, claim) {
    await removeTaken(claim);
    await removeMadeFolders(claim.directory, remembered['firstMade']);
  },
});
