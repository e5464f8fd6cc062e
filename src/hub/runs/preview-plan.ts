import { previewPipeline, type PreviewOptions } from '../../engine/preview-pipeline.ts';
import type { LoadedSettings } from '../../plan/load-settings.ts';
import type { PlanOutput } from '../../schemas/types.ts';
import type { Services } from '../../steps/services.ts';
import type { RunRequest } from './run-request.ts';
import { loadPipeline } from './load-pipeline.ts';

/** What a run of the plan would do, with what `decide` says of each disk. @throws SendenseError as the steps that look */
export async function previewPlan(
  request: RunRequest,
  {
    loaded,
    ...parts
  }: Pick<PreviewOptions<Services>, 'registry' | 'services' | 'evaluator'> & { readonly loaded: LoadedSettings },
): Promise<PlanOutput> {
  const pipeline = loadPipeline(request, loaded);
  const signal = request.cancel?.gently;
  const preview = await previewPipeline({ pipeline, ...parts, ...(signal ? { signal } : {}) });
  const disks = (preview.outputs['decide'] as { disks?: PlanOutput['disks'] } | undefined)?.disks ?? [];
  return {
    version: 1,
    plan: pipeline.name,
    kind: pipeline.kind,
    vm: pipeline.vm,
    steps: [...preview.steps],
    disks,
    estimated_bytes: estimateOf(disks),
  };
}

/** Null where it is not known of each disk. */
function estimateOf(disks: PlanOutput['disks']): number | null {
  let sum = 0;
  for (const { estimated_bytes: bytes } of disks) {
    if (bytes === null) return null;
    sum += bytes;
  }
  return disks.length === 0 ? null : sum;
}
