import type { FilesPublishInput, FilesPublishOutput } from '../../schemas/types.ts';
import { areNamed, nameTaken, removeNamed, type NamedClaim } from '../../targets/directory/taken-files.ts';
import { defineStep } from '../define-step.ts';
import { inPlan } from './opened-point.ts';

export const filesPublish = defineStep<FilesPublishInput, NamedClaim, FilesPublishOutput>({
  uses: 'files.publish',
  title: 'Give the files their names',
  leaves: 'result',
  claim: ({ taken: { directory, part, names } }) => ({ directory, part, names }),

  plan: async (_context, { taken, overwrite }) => ({
    effects: [],
    notes: [
      overwrite === true
        ? `files that are in ${taken.directory} already are replaced, and folders are merged`
        : `nothing in ${taken.directory} is replaced`,
    ],
  }),

  async run(context, { taken, overwrite }, claim) {
    await inPlan(() => nameTaken(claim, overwrite ?? false, (name, value) => context.remember(name, value)));
    const { directory, files, bytes, left_out } = taken;
    return { directory, files, bytes, left_out };
  },

  published: async ({ remembered }) => areNamed(remembered),
  undo: ({ remembered }, claim) => removeNamed(claim, remembered),
});
