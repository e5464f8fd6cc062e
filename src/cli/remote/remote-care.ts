import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { CheckRequest, Hub } from '../../hub/hub.ts';
import type {
  AdoptOutput,
  CheckOutput,
  CopyOutput,
  DiscoverOutput,
  ErrorOutput,
  GcOutput,
  HubBackup,
  HubBackups,
  HubCheck,
  HubCopy,
  HubOneRepository,
  HubRepositories,
  ImportOutput,
  RecoverOutput,
  RepairOutput,
  RepositoriesOutput,
  UpkeepOutput,
} from '../../schemas/types.ts';
import { atHub } from './at-hub.ts';
import { errorSaid, type HubConnection } from './hub-connection.ts';
import { firstOf, pagesOf } from './pages-of.ts';

const repositoryAt = (name: string): string => `/api/v1/repositories/${encodeURIComponent(name)}`;

type CareCalls = Pick<Hub, 'recover' | 'upkeep' | 'adopt' | 'discover' | 'importRepository' | 'check'> & {
  readonly care: Pick<Hub['care'], 'repositories' | 'gc' | 'repair' | 'copy'>;
};

/** What keeps a hub and its repositories in order. */
export const careOf = (hub: HubConnection): CareCalls => ({
  care: {
    repositories: async ({ repository, probe }) =>
      probe
        ? await hub.ask<RepositoriesOutput>('/api/v1/repositories/measure', { method: 'POST', body: { repository } })
        : await measured(hub, repository),
    gc: ({ repository, purge, dryRun, signal }) =>
      hub.ask<GcOutput>('/api/v1/repositories/gc', {
        method: 'POST',
        body: { repository, purge, dry_run: dryRun },
        signal,
      }),
    copy: (request) => copyAt(hub, request),
    repair: (repository) => hub.ask<RepairOutput>(`${repositoryAt(repository)}/repair`, { method: 'POST' }),
  },
  importRepository: (name, { forgetMissing = false, signal } = {}) =>
    hub.ask<ImportOutput>(`${repositoryAt(name)}/import`, {
      method: 'POST',
      body: { forget_missing: forgetMissing },
      signal,
    }),
  recover: ({ ended, signal } = {}) =>
    hub.ask<RecoverOutput>('/api/v1/recover', { method: 'POST', body: { ended }, signal }),
  upkeep: (signal) => hub.ask<UpkeepOutput>('/api/v1/upkeep', { method: 'POST', signal }),
  // Who says so is the token's name, which the hub knows.
  adopt: ({ vm, identity, repository }) =>
    hub.ask<AdoptOutput>(`/api/v1/vms/${encodeURIComponent(vm)}/adopt`, {
      method: 'POST',
      body: { identity, repository },
    }),
  discover: ({ source, vm, folder, node, signal }) =>
    hub.ask<DiscoverOutput>(`/api/v1/sources/${encodeURIComponent(source)}/vms`, {
      method: 'POST',
      body: { vm, folder, node },
      signal,
    }),
  check: (request) => checkAt(hub, request),
});

/** As they were measured some minutes ago. */
async function measured(hub: HubConnection, name: string | undefined): Promise<RepositoriesOutput> {
  if (name === undefined) {
    const { version, repositories } = await hub.ask<HubRepositories>('/api/v1/repositories');
    return { version, repositories };
  }
  const { version, repository } = await hub.ask<HubOneRepository>(repositoryAt(name));
  return { version, repositories: [repository] };
}

async function copyAt(
  hub: HubConnection,
  { target, from, to, move, signal }: Parameters<Hub['care']['copy']>[0],
): Promise<CopyOutput> {
  if (typeof to !== 'string')
    throw atHub('repo copy --to ssh://…', 'the hub reads the private key for another hub from a file of its own');
  const path = `${repositoryAt(from)}/copies`;
  const begun = await hub.ask<HubCopy>(path, { method: 'POST', body: { ...target, to, move } });
  const ask = () => hub.ask<HubCopy>(path, { query: { ...target, to } });
  return await whenEnded(begun, ask, { what: `copying from ${from} to ${to}`, signal });
}

interface Going<T> {
  readonly begun: number | null;
  readonly error: ErrorOutput | null;
  readonly result: T | null;
}

/** Asks until there is an answer. */
async function whenEnded<T>(
  begun: Going<T>,
  ask: () => Promise<Going<T>>,
  { what, signal }: { readonly what: string; readonly signal: AbortSignal | undefined },
): Promise<T> {
  for (let now = begun; ; now = await ask()) {
    if (now.begun !== begun.begun)
      throw new SendenseError('run.crashed', `the hub no longer knows how it goes with ${what}`, {
        remedy: 'It was started again, or somebody has begun the same anew. Give the command again.',
      });
    if (now.error) throw errorSaid(now.error);
    if (now.result) return now.result;
    await delay(everyMs, undefined, signal ? { signal } : {}).catch(() => undefined);
    if (signal?.aborted) throw new SendenseError('run.cancelled', `${what} goes on at the hub`);
  }
}

/** Between two questions whether something has ended, ms. */
const everyMs = 1000;

async function checkAt(hub: HubConnection, request: CheckRequest): Promise<CheckOutput> {
  const outputs: CheckOutput[] = [];
  const names = await namesFor(hub, request);
  const having = new Set(await havingIt(hub, request, names));
  for (const name of names) outputs.push(having.has(name) ? await checkOne(hub, name, request) : nothingOf(name));
  const sum = (of: 'points_checked' | 'bytes_read'): number => outputs.reduce((total, output) => total + output[of], 0);
  return {
    version: 1,
    ok: outputs.every(({ ok }) => ok),
    repository: outputs.map(({ repository }) => repository).join(', '),
    points_checked: sum('points_checked'),
    bytes_read: sum('bytes_read'),
    findings: outputs.flatMap(({ findings }) => findings),
  };
}

const nothingOf = (repository: string): CheckOutput => ({
  version: 1,
  ok: true,
  repository,
  points_checked: 0,
  bytes_read: 0,
  findings: [],
});

const namesFor = async (hub: HubConnection, { repository }: CheckRequest): Promise<string[]> =>
  repository === undefined ? (await measured(hub, undefined)).repositories.map((one) => one.repository) : [repository];

/** Repositories that have something of what is to be checked. */
async function havingIt(
  hub: HubConnection,
  { vm, point, repository }: CheckRequest,
  all: readonly string[],
): Promise<readonly string[]> {
  if (repository !== undefined) return all;
  if (point !== undefined) return [(await hub.ask<HubBackup>(`/api/v1/backups/${point}`)).backup.repository];
  if (vm === undefined) return all;
  const pages = pagesOf<HubBackups>(hub, '/api/v1/backups', { vm_name: vm });
  return [...new Set((await firstOf(pages, ({ backups }) => backups)).entries.map((one) => one.repository))];
}

async function checkOne(
  hub: HubConnection,
  name: string,
  { vm, point, deep, signal }: CheckRequest,
): Promise<CheckOutput> {
  const path = `${repositoryAt(name)}/check`;
  const begun = await hub.ask<HubCheck>(path, { method: 'POST', body: { quick: !deep, vm, point } });
  const ask = () => hub.ask<HubCheck>(path, { query: { vm, point } });
  return outputOf(name, await whenEnded(begun, ask, { what: `the check of ${name}`, signal }));
}

/** A hub keeps the first findings; how many more there are is one of them. */
function outputOf(repository: string, result: NonNullable<HubCheck['result']>): CheckOutput {
  const { ok, points_checked, bytes_read, findings, findings_total: total } = result;
  const more = total - findings.length;
  const last = {
    severity: ok ? 'warning' : 'error',
    code: 'file.unowned',
    backup_id: null,
    path: repository,
    message: `${more} more findings`,
    remedy: '`sendense-run check` at the hub shows all of them.',
  } as const;
  return {
    version: 1,
    ok,
    repository,
    points_checked,
    bytes_read,
    findings: more === 0 ? findings : [...findings, last],
  };
}
