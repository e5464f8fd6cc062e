import { chooseFiles } from '../../files/choose/choose-files.ts';
import type { FilesTakeInput, FilesTakeOutput } from '../../schemas/types.ts';
import { filesOf, kindNamed, kindOfTo, typedClaim, type TypedClaim } from '../../targets/index.ts';
import type { ClaimFacts, FilesRequest, TargetType } from '../../targets/target-kind.ts';
import { defineStep } from '../define-step.ts';
import type { Services } from '../services.ts';
import { inPlan, openedPoint } from './opened-point.ts';

/** So many things that were left out are told; all of them are in the output. */
const told = 20;

export const filesTake = defineStep<FilesTakeInput, TypedClaim, FilesTakeOutput>({
  uses: 'files.take',
  title: 'Take the files out',
  claim: ({ to }, facts) => claimOf(to, facts),

  async plan(context, input) {
    const { target, own } = claimOf(input.to, context);
    const files = filesOf(kindNamed(target));
    await files.assertApart(requestOf(context.services, input), own);
    const { effects, output } = files.outline(own, input.files);
    return {
      effects,
      notes: input.exclude ? [`left out: ${input.exclude.join(', ')}`] : [],
      unknown: ['which files fit'],
      output: { target, ...output },
    };
  },

  async run(context, input, claim) {
    const { target, own } = typedClaim(claim);
    const files = filesOf(kindNamed(target));
    const request = requestOf(context.services, input);
    await files.assertApart(request, own);
    const point = openedPoint(input.opened);
    const wanted = { places: input.files, exclude: input.exclude ?? [], signal: context.signal };
    const taken = await inPlan(async () =>
      files.take(request, own, { point, chosen: await chooseFiles(point, wanted) }, context),
    );
    const lines = taken.left_out.map((line) => `left out: ${line.replace(/^tar: (?:\.\/)?/, '')}`);
    for (const line of lines.slice(0, told)) context.warn(line);
    if (lines.length > told) context.warn(`left out: ${lines.length - told} more`);
    return { target, ...taken };
  },

  async undo({ remembered }, claim) {
    const { target, own } = typedClaim(claim);
    await filesOf(kindNamed(target)).undoTake(own, remembered);
  },
});

function claimOf(to: FilesTakeInput['to'], { runId, stepId, planFolder }: ClaimFacts): TypedClaim {
  const kind = kindOfTo(to);
  return { target: kind.type, own: filesOf(kind).claim(to, { runId, stepId, planFolder }) };
}

const requestOf = (services: Services, { repository, to, overwrite }: FilesTakeInput): FilesRequest<TargetType> => ({
  to,
  repository: services.repositoryPath(repository),
  overwrite: overwrite ?? false,
});
