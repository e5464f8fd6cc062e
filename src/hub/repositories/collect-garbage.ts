import { lstat, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { findOrphans, youngMs, type FoundOrphans, type Orphan } from '../../repository/stored-files/find-orphans.ts';
import { contextsIn } from '../../repository/stored-files/read-context.ts';
import { recogniseName } from '../../repository/stored-files/recognise.ts';
import {
  emptyTrash,
  expiredTrash,
  moveToTrash,
  removeEmptyFolders,
  removeForGood,
  trashDays,
  trashName,
} from '../../repository/stored-files/trash.ts';
import { findRepository } from '../../repository/open-repository.ts';
import type { VmHold } from '../../repository/vm-lock/vm-hold.ts';
import type { GcOutput } from '../../schemas/types.ts';
import { points } from '../../state/points/restore-points.ts';
import type { Services } from '../../steps/services.ts';
import { claimedFiles } from '../../restore-points/claimed-files.ts';
import { maintenanceRun, type MaintenanceRun } from './maintenance-run.ts';

export interface GcRequest {
  /** Default: all repositories. */
  readonly repository?: string | undefined;
  /** Only says what it would do. */
  readonly dryRun: boolean;
  /** At once and for good, also what was put aside before. */
  readonly purge: boolean;
  /** Milliseconds since the epoch; default: now. */
  readonly now?: number;
  readonly signal?: AbortSignal | undefined;
}

type Report = GcOutput['repositories'][number];

/**
 * Puts aside what Sendense made in repositories and what belongs to nothing.
 * @throws SendenseError `repository.unusable`
 */
export async function collectGarbage(services: Services, request: GcRequest): Promise<GcOutput> {
  const names = request.repository === undefined ? Object.keys(services.settings.repositories) : [request.repository];
  const repositories: Report[] = [];
  for (const name of names) {
    const root = services.repositoryPath(name);
    if (!(await findRepository(name, root))) {
      const reason = `there is none at ${root}`;
      if (request.repository !== undefined)
        throw new SendenseError('repository.unusable', `repository ${name}: ${reason}`);
      // One without restore points was not made yet.
      if (points(services.state, { repository: name }).length > 0)
        repositories.push({ ...nothingOf(name, root), skipped: [{ vm: '*', reason }] });
      continue;
    }
    const collect = (run: MaintenanceRun | null): Promise<Report> => collectIn(services, name, root, request, run);
    repositories.push(
      request.dryRun
        ? await collect(null)
        : await maintenanceRun(services.state, { name: 'repo-gc', vm: '*', repository: name }, collect),
    );
  }
  return { version: 1, dry_run: request.dryRun, repositories };
}

const nothingOf = (repository: string, path: string): Report => ({
  repository,
  path,
  removed: [],
  kept: [],
  skipped: [],
  expired: [],
});

async function collectIn(
  services: Services,
  name: string,
  root: string,
  request: GcRequest,
  run: MaintenanceRun | null,
): Promise<Report> {
  const { now = Date.now() } = request;
  const report = nothingOf(name, root);
  const act = async (found: FoundOrphans, context: string | null, hold: VmHold | null): Promise<void> => {
    report.kept.push(...found.kept);
    if (found.skipped !== null) report.skipped.push({ vm: context ?? '', reason: found.skipped });
    for (const orphan of found.orphans) {
      request.signal?.throwIfAborted();
      const trashed = !request.purge && orphan.kind !== 'part';
      if (run) await remove(root, trashName(now), orphan, trashed, hold);
      const { path, kind, bytes, backupId: backup_id } = orphan;
      report.removed.push({ path, kind, bytes, backup_id, trashed });
    }
    if (run && context !== null && found.skipped === null) await tidy(root, found.orphans);
  };
  await act(await rootParts(root, now), null, null);
  for (const context of await contextsIn(root)) {
    request.signal?.throwIfAborted();
    let hold: VmHold | null = null;
    try {
      hold = (await run?.lock({ repository: name, root, context })) ?? null;
    } catch (error) {
      report.skipped.push({ vm: context, reason: (error as Error).message });
      continue;
    }
    // Claims first: a run that ends in between is in the database then.
    const claimed = claimedFiles(services.state, name);
    const known = new Set(points(services.state, { repository: name, context }).map((point) => point.backup_id));
    await act(await findOrphans({ root, context, known, claimed, now, signal: request.signal }), context, hold);
  }
  for (const expired of await expiredTrash(root, request.purge ? now + 2 * trashDays * 86_400_000 : now)) {
    if (run) await emptyTrash(root, expired.name);
    report.expired.push(expired);
  }
  return report;
}

const remove = (root: string, name: string, { path }: Orphan, trashed: boolean, hold: VmHold | null): Promise<void> =>
  trashed ? moveToTrash(root, name, path, hold) : removeForGood(root, path, hold);

async function tidy(root: string, orphans: readonly Orphan[]): Promise<void> {
  for (const folder of new Set(orphans.map(({ path }) => dirname(path)))) await removeEmptyFolders(root, folder);
}

/** Temporary files beside the marker. */
async function rootParts(root: string, now: number): Promise<FoundOrphans> {
  const orphans: Orphan[] = [];
  for (const path of await readdir(root)) {
    const own = recogniseName(path);
    if (own?.kind !== 'part') continue;
    const info = await lstat(join(root, path));
    if (info.isFile() && now - Math.max(info.mtimeMs, info.ctimeMs) >= youngMs)
      orphans.push({ ...own, path, bytes: info.blocks * 512 });
  }
  return { orphans, kept: [], skipped: null };
}
