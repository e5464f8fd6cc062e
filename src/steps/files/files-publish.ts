import type { FilesPublishInput, FilesPublishOutput } from '../../schemas/types.ts';
import { filesOf, kindNamed, typedClaim, type TypedClaim } from '../../targets/index.ts';
import { defineStep } from '../define-step.ts';
import { inPlan } from './opened-point.ts';

export const filesPublish = defineStep<FilesPublishInput, TypedClaim, FilesPublishOutput>({
  uses: 'files.publish',
  title: 'Give the files their names',
  leaves: 'result',
  claim: ({ taken }) => ({ target: taken.target, own: filesOf(kindNamed(taken.target)).claimNames(taken) }),

  plan: async (_context, { taken, overwrite }) => ({
    effects: [],
    notes: [
      overwrite === true
        ? `files that are in ${taken.directory} already are replaced, and folders are merged`
        : `nothing in ${taken.directory} is replaced`,
    ],
  }),

  async run(context, { taken, overwrite }, claim) {
    const { target, own } = typedClaim(claim);
    const files = filesOf(kindNamed(target));
    const isOver = overwrite ?? false;
    const publish = (): Promise<void> => files.publish(own, isOver, (name, value) => context.remember(name, value));
    await inPlan(publish, { overwrite: isOver });
    const { directory, files: count, bytes, left_out } = taken;
    return { directory, files: count, bytes, left_out };
  },

  async published({ remembered }, claim) {
    return filesOf(kindNamed(typedClaim(claim).target)).isPublished(remembered);
  },

  async undo({ remembered }, claim) {
    const { target, own } = typedClaim(claim);
    await filesOf(kindNamed(target)).undoPublish(own, remembered);
  },
});
