import type { RestoreWriteInput, RestoreWriteOutput } from '../../schemas/types.ts';
import { kindNamed, kindOfTo, typedClaim, type TypedClaim } from '../../targets/index.ts';
import type { ClaimFacts, RestoreRequest, TargetType } from '../../targets/target-kind.ts';
import { restoredFrom } from './restored-from.ts';
import { defineStep } from '../define-step.ts';
import { targetHub } from './target-hub.ts';
import type { Services } from '../services.ts';

export const restoreWrite = defineStep<RestoreWriteInput, TypedClaim, RestoreWriteOutput>({
  uses: 'restore.write',
  title: 'Write the disks',
  claim: ({ to, disks }, facts) => claimOf({ to, disks }, facts),

  async plan(context, input) {
    const kind = kindOfTo(input.to, targetHub(context));
    const { own } = claimOf(input, context);
    const request = requestOf(context.services, input);
    await kind.assertFree(request, own);
    return {
      effects: await kind.effects(request, own),
      output: { target: kind.type, ...kind.outline(request, own) },
    };
  },

  async run(context, input, claim) {
    const { target, own } = typedClaim(claim);
    const kind = kindNamed(target, targetHub(context));
    const request = requestOf(context.services, input);
    await kind.assertFree(request, own);
    return { target, ...(await kind.write(request, own, context)) };
  },

  async undo(context, claim) {
    const { target, own } = typedClaim(claim);
    await kindNamed(target, targetHub(context)).undoWrite(own, context.remembered, context.isPublished);
  },
});

function claimOf(
  { to, disks }: Pick<RestoreWriteInput, 'to' | 'disks'>,
  { runId, stepId, planFolder }: ClaimFacts,
): TypedClaim {
  const kind = kindOfTo(to);
  return { target: kind.type, own: kind.claim(to, disks, { runId, stepId, planFolder }) };
}

const requestOf = (
  services: Services,
  { repository, to, disks, point, safety = null }: RestoreWriteInput,
): RestoreRequest<TargetType> => ({
  to,
  disks,
  from: restoredFrom(services, repository, point),
  safety,
});
