import type { Call } from '../../../api/route.ts';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { refuseStays } from '../../../restore-points/prune/named-points.ts';
import type { PruneOutput } from '../../../schemas/types.ts';
import { saidError } from '../../runs/start-run.ts';
import { defineRoute, type HubParts } from '../route.ts';
import { askerOf } from '../asker.ts';
import { beginOnce, beginRun, repeatHeader, startErrors } from './begin.ts';

const id = {
  id: { description: 'Id of the restore point.', schema: 'domain.json#/$defs/backupId', logAs: 'backup_id' },
} as const;
const query = { repository: { description: 'Where several repositories have it.', logAs: 'repository' } } as const;
const refusals = ['point.unknown', 'repository.unusable', 'usage', 'run.crashed'] as const;

type PointCall = Pick<Call<HubParts>, 'parts' | 'params' | 'query' | 'caller' | 'signal'>;

const wordsOf = ({ params, query: { repository } }: PointCall, ...more: readonly string[]): string[] => [
  'prune',
  `--point=${params['id'] ?? ''}`,
  ...(repository === undefined ? [] : [`--repository=${repository}`]),
  ...more,
];

const foreseen = async (call: PointCall): Promise<PruneOutput> =>
  (await call.parts.askCommand(wordsOf(call, '--dry-run'), askerOf(call), { answersWith: [1, 3] })) as PruneOutput;

export const previewRemoval = defineRoute({
  id: 'previewRemoval',
  method: 'POST',
  path: '/api/v1/backups/{id}/prune-preview',
  tag: 'backups',
  right: 'keep',
  summary: 'What removing a restore point would do, and what that would free',
  description:
    'As `sendense-run prune --point ID --dry-run`. Nothing is removed. `keep` of the restore point is true where it has to stay; `reasons` says why.',
  params: id,
  query,
  changes: false,
  answers: { 200: { description: 'What stays, what goes, and what is merged.', schema: 'output/prune.json' } },
  errors: refusals,
  patient: true,
  handle: (call) => foreseen(call),
});

export const removeBackup = defineRoute({
  id: 'removeBackup',
  method: 'DELETE',
  path: '/api/v1/backups/{id}',
  tag: 'backups',
  right: 'keep',
  fresh: true,
  summary: 'Remove a restore point',
  description:
    'As `sendense-run prune --point ID`, by a run of kind `prune`: what is built on the restore point is merged first. One that has to stay is refused with the reason: it is protected, in use, or the newest sound one of its VM.',
  params: id,
  query,
  headers: repeatHeader,
  answers: { 202: { description: 'The run has begun.', schema: 'hub/run-started.json' } },
  errors: [...startErrors, ...refusals, 'prune.refused'],
  patient: true,
  async handle(call) {
    const words = wordsOf(call, '--yes');
    return await beginOnce(call, words.join(' '), async () => {
      assertGoes(await foreseen(call), call.params['id'] ?? '');
      return await beginRun(call, { plan: null, words });
    });
  },
});

/** @throws SendenseError `prune.refused`, and what kept the preview from an answer */
function assertGoes({ vms }: PruneOutput, wanted: string): void {
  for (const { error } of vms) if (error) throw saidError(error);
  const points = vms.flatMap((vm) => vm.points).filter(({ backup_id: point }) => point === wanted);
  if (points.length === 0) throw new SendenseError('point.unknown', `there is no restore point ${wanted}`);
  refuseStays(points.filter(({ keep }) => keep).map(({ backup_id: point, reasons }) => ({ id: point, reasons })));
}
