import type { CleanedUp, CleanupRequest } from '../../schemas/types.ts';
import { cleanUpHere } from '../jobs/clean-up.ts';
import { loginOf, removeLeftOvers } from '../sources/index.ts';
import { vsphereErrors } from './error-sets.ts';
import { defineRoute } from './route.ts';

export const cleanup = defineRoute<CleanupRequest>({
  id: 'cleanup',
  method: 'POST',
  path: '/api/v1/cleanup',
  tag: 'node',
  summary: 'Removes what nobody needs any more',
  description:
    'Ended jobs and block indexes that are old enough, data movers whose job is dead, folders that no process uses; with a ' +
    'source of type vsphere, a login and a VM also snapshots of ours that a job left on it. Never what a running job uses. ' +
    'With a job id only what this job left at the source: it is gone when the answer is 200.',
  body: { schema: 'node/cleanup.json', bytes: 64 * 1024 },
  answers: { 200: { description: 'What was removed; with `dry_run` what would be.', schema: 'node/cleaned-up.json' } },
  errors: ['source.missing', 'node.busy', 'snapshot.left', ...vsphereErrors],
  handle: async ({ parts: node, body, signal }): Promise<CleanedUp> => {
    const { source, dry_run: dryRun, job_id: jobId } = body;
    const none = { snapshots: [], kept_snapshots: [], warnings: [] };
    if (source && jobId) {
      const vmName = body.vm_name ?? '';
      await node.jobs.cleanUpAfter(jobId, source, { vmName, login: loginOf(body, node.refused) });
      return { dry_run: false, jobs: [], strays: [], run_folders: [], indexes: [], ...none };
    }
    let left: Pick<CleanedUp, 'snapshots' | 'kept_snapshots' | 'warnings'> = none;
    // First, because it can fail.
    if (source) {
      const { stateDir } = node;
      left = await removeLeftOvers(source, {
        login: loginOf(body, node.refused),
        vmName: body.vm_name ?? '',
        signal,
        stateDir,
        dryRun,
      });
    }
    const here = await cleanUpHere(node, body);
    return { ...here, ...left, warnings: [...left.warnings, ...here.warnings] };
  },
});
