import type {
  GcOutput,
  HubGcRequest,
  HubImportRequest,
  HubMeasureRequest,
  ImportOutput,
  RepairOutput,
  RepositoriesOutput,
} from '../../../schemas/types.ts';
import { assertFresh } from '../acts/begin.ts';
import { knownRepository, repositoryParam } from '../repositories/repositories.ts';
import { askerOf, lastingAsker } from '../asker.ts';
import { defineRoute } from '../route.ts';

const common = { method: 'POST', tag: 'repositories', patient: true } as const;
const failures = ['repository.unusable', 'run.crashed'] as const;

export const measureRepositories = defineRoute<HubMeasureRequest>({
  ...common,
  id: 'measureRepositories',
  path: '/api/v1/repositories/measure',
  right: 'operate',
  summary: 'Measure repositories now, and try whether their restore points can be made immutable',
  description: 'As `sendense-run repo show --json`.',
  changes: false,
  body: { schema: 'hub/measure-start.json', bytes: 1024 },
  answers: { 200: { description: 'The repositories.', schema: 'output/repositories.json' } },
  errors: failures,
  handle: async ({ parts, body: { repository }, ...call }) =>
    (await parts.askCommand(['repo', 'show', ...(repository === undefined ? [] : ['--', repository])], askerOf(call), {
      answersWith: [1],
    })) as RepositoriesOutput,
});

export const collectGarbage = defineRoute<HubGcRequest>({
  ...common,
  id: 'collectGarbage',
  path: '/api/v1/repositories/gc',
  right: 'keep',
  summary: 'Put aside what failed runs left in repositories',
  description: 'As `sendense-run repo gc`. Without `dry_run` it takes a fresh password.',
  body: { schema: 'hub/gc-start.json', bytes: 1024 },
  answers: { 200: { description: 'What was, or would be, put aside.', schema: 'output/gc.json' } },
  errors: [...failures, 'access.stale', 'run.locked'],
  logOf: ({ repository, purge = false, dry_run: dryRun = false }) => ({
    ...(repository !== undefined && { repository }),
    purge: String(purge),
    dry_run: String(dryRun),
  }),
  async handle(call): Promise<GcOutput> {
    const { repository, purge = false, dry_run: dryRun = false } = call.body;
    if (!dryRun) assertFresh(call, 'removes files');
    const words = ['repo', 'gc', dryRun ? '--dry-run' : '--yes', ...(purge ? ['--purge'] : [])];
    const named = repository === undefined ? [] : ['--', repository];
    // What it has begun it ends, whoever goes away meanwhile.
    const asker = dryRun ? askerOf(call) : lastingAsker(call);
    return (await call.parts.askCommand([...words, ...named], asker, { answersWith: [3] })) as GcOutput;
  },
});

export const importRepository = defineRoute<HubImportRequest>({
  ...common,
  id: 'importRepository',
  path: '/api/v1/repositories/{name}/import',
  right: 'keep',
  summary: 'Enter the restore points of a repository that the database does not know',
  description: 'As `sendense-run repo import NAME`. Again is fine. To forget what is missing takes a fresh password.',
  params: repositoryParam,
  body: { schema: 'hub/import-start.json', bytes: 1024 },
  answers: { 200: { description: 'What was entered, and what was not.', schema: 'output/import.json' } },
  errors: [...failures, 'access.stale'],
  logOf: ({ forget_missing: forget = false }) => ({ forget_missing: String(forget) }),
  async handle(call): Promise<ImportOutput> {
    const name = knownRepository(call);
    const { forget_missing: forget = false } = call.body;
    if (forget) assertFresh(call, 'forgets restore points');
    const words = ['repo', 'import', ...(forget ? ['--forget-missing'] : []), '--', name];
    return (await call.parts.askCommand(words, askerOf(call), { answersWith: [3] })) as ImportOutput;
  },
});

export const repairRepository = defineRoute({
  ...common,
  id: 'repairRepository',
  path: '/api/v1/repositories/{name}/repair',
  right: 'keep',
  fresh: true,
  summary: 'Make the marker of a repository again',
  description: 'As `sendense-run repo repair NAME`. Again is fine.',
  params: repositoryParam,
  answers: { 200: { description: 'What was done.', schema: 'output/repair.json' } },
  errors: [...failures, 'repository.damaged'],
  async handle(call): Promise<RepairOutput> {
    const name = knownRepository(call);
    return (await call.parts.askCommand(['repo', 'repair', '--', name], askerOf(call))) as RepairOutput;
  },
});
