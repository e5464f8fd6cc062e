import type { RestorePublishInput, RestorePublishOutput } from '../../schemas/types.ts';
import { kindNamed, typedClaim, type TypedClaim } from '../../targets/index.ts';
import { restoredFrom } from './restored-from.ts';
import { defineStep } from '../define-step.ts';
import { targetHub } from './target-hub.ts';

export const restorePublish = defineStep<RestorePublishInput, TypedClaim, RestorePublishOutput>({
  uses: 'restore.publish',
  title: 'Give the files their names',
  leaves: 'result',
  claim: ({ target, files, machine = null }) => ({ target, own: kindNamed(target).claimNames(files, machine) }),
  plan: async (_context, { target, files }) => ({ effects: kindNamed(target).publishEffects(files) }),

  async run(context, input, claim) {
    const { target, own } = typedClaim(claim);
    await kindNamed(target, targetHub(context)).publish(own, {
      runId: context.runId,
      signal: context.signal,
      remember: (name, value) => context.remember(name, value),
      remembered: context.remembered,
      disks: input.disks,
      from: restoredFrom(context.services, input.repository),
    });
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

  async published(context, claim) {
    const { target, own } = typedClaim(claim);
    return kindNamed(target, targetHub(context)).isPublished(own, context.remembered);
  },

  async undo(context, claim) {
    const { target, own } = typedClaim(claim);
    await kindNamed(target, targetHub(context)).undoPublish(own, context.remembered);
  },
});
