import { join } from 'node:path';
import { readRegular } from '../../host/files/regular-file.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { allocatedBytes } from '../../repository/stored-files/allocated.ts';
import { readContext } from '../../repository/stored-files/read-context.ts';
import { filesOfPoint } from '../../repository/stored-files/settle-immutable.ts';
import { manifestPath } from '../../repository/layout.ts';
import { readManifestFile } from '../../repository/manifest-file.ts';
import { marksPath } from '../../repository/marks.ts';
import { blockedBy } from '../../repository/merge/blocked.ts';
import { readIntents } from '../../repository/merge/intent.ts';
import { findRepository } from '../../repository/open-repository.ts';
import type { VmHold } from '../../repository/vm-lock/vm-hold.ts';
import type { CopyOutput, Manifest } from '../../schemas/types.ts';
import { usePoint } from '../../state/points/point-uses.ts';
import { points } from '../../state/points/restore-points.ts';
import { ownedPoints } from '../../restore-points/choose/owned-points.ts';
import type { Services } from '../../steps/services.ts';
import { assertNoConflict, assertOwn, blockedThere, chooseUnblocked } from './choose-points.ts';
import { maintenanceRun, type MaintenanceRun } from './maintenance-run.ts';
import { localReceiver, type Receiver } from './receiver.ts';
import { remoteReceiver, type RemoteRepository } from './remote-receiver.ts';
import { removeCopied } from './remove-copied.ts';
import { sendFile, type FileToSend } from './send-file.ts';

export interface CopyRequest {
  /** A VM, or one restore point with all that it is built on. */
  readonly target: { readonly vm: string } | { readonly point: string };
  /** Name of the repository in the settings. */
  readonly from: string;
  /** Another one of the settings, or of another hub. */
  readonly to: string | RemoteRepository;
  /** What was copied and proven is removed where it was. */
  readonly move: boolean;
  readonly signal?: AbortSignal | undefined;
  onProgress?(text: string, done: number, total: number): void;
}

/**
 * Copies restore points to another repository: only files that it does not have, each proven there by its digest, the
 * manifest last. Can be repeated after anything, and goes on where it was cut off.
 * @throws SendenseError `repository.conflict`, `repository.damaged`, `repository.full`, `run.locked`, `ssh.*`
 */
export async function copyPoints(services: Services, request: CopyRequest): Promise<CopyOutput> {
  const { from, to, move, signal } = request;
  const context = contextOf(services, request);
  const root = services.repositoryPath(from);
  const source = await findRepository(from, root);
  if (!source) throw new SendenseError('repository.unusable', `repository ${from}: there is none at ${root}`);
  return maintenanceRun(
    services.state,
    { name: move ? 'repo-move' : 'repo-copy', vm: context, repository: from },
    async (run) => {
      const place = { repository: from, root, context };
      const hold = await (move ? run.lock(place) : run.lockToRead(place));
      try {
        await using receiver = await receiverFor(services, to, run, signal);
        return await copyInto(services, receiver, { ...request, root, context, hold, id: source.id, runId: run.id });
      } catch (error) {
        // Whatever an abort looks like where it was noticed.
        signal?.throwIfAborted();
        throw error;
      }
    },
  );
}

interface Job extends CopyRequest {
  readonly root: string;
  readonly context: string;
  /** Null: the repository is read-only, and nothing is moved. */
  readonly hold: VmHold | null;
  /** Of the repository. */
  readonly id: string;
  readonly runId: string;
}

async function copyInto(services: Services, receiver: Receiver, job: Job): Promise<CopyOutput> {
  const { from, to, move, root, context, target } = job;
  const there = await receiver.hello(context);
  if (there.id === job.id)
    throw new SendenseError('repository.conflict', `${from} and ${there.repository} are the same repository`);
  // Before anything is looked at: the lock alone does not keep a removal that was cut off from being gone on with.
  for (const { backup_id: backupId } of points(services.state, { repository: from, context }))
    usePoint(services.state, job.runId, { repository: from, context, backupId });
  const intents = await readIntents(root, context);
  const { manifests } = await readContext(root, context);
  const all = [...manifests.values()];
  const blocked = new Map([...blockedThere(all, there), ...blockedBy(all, intents)]);
  const { chosen, left } = chooseUnblocked(manifests, 'point' in target ? target.point : undefined, blocked);
  assertNoConflict(chosen, there);
  assertOwn(await ownedPoints(services.state, root, { repository: from, context }), there, context);
  const copied = await copyChosen(receiver, chosen, new Set(there.points.map((point) => point.backup_id)), job);
  const warnings = [...left, ...(await receiver.done())];
  const { hold, runId } = job;
  const kept =
    move && hold
      ? await removeCopied(services.state, { repository: from, root, context, hold, runId }, chosen, manifests)
      : null;
  return {
    version: 1,
    vm: context,
    from,
    to: typeof to === 'string' ? to : `${to.server.user}@${to.server.host}: ${there.repository}`,
    move,
    points: copied.points.map((point) => ({
      ...point,
      removed: kept !== null && !kept.has(point.backup_id),
      kept_because: kept?.get(point.backup_id) ?? null,
    })),
    bytes_sent: copied.points.reduce((sum, { bytes }) => sum + bytes, 0),
    files_sent: copied.sent,
    files_present: copied.present,
    warnings,
  };
}

/** @throws SendenseError `point.unknown` */
function contextOf(services: Services, { target, from }: CopyRequest): string {
  const known = points(services.state, { repository: from });
  const found = known.find((point) =>
    'vm' in target ? point.vm.name === target.vm || point.vm.context === target.vm : point.backup_id === target.point,
  );
  if (found) return found.vm.context;
  const what = 'vm' in target ? `VM ${target.vm} has no restore points` : `there is no restore point ${target.point}`;
  throw new SendenseError('point.unknown', `${what} in repository ${from}`);
}

const receiverFor = (
  services: Services,
  to: CopyRequest['to'],
  run: MaintenanceRun,
  signal: AbortSignal | undefined,
): Promise<Receiver> =>
  typeof to === 'string' ? Promise.resolve(localReceiver(services, to, run, signal)) : remoteReceiver(to, signal);

interface Copied {
  readonly points: { readonly backup_id: string; readonly state: 'copied' | 'present'; readonly bytes: number }[];
  readonly sent: number;
  readonly present: number;
}

/** Of a restore point that is there the files are not looked at, but where it is to be removed here they are proven, too. */
async function copyChosen(
  receiver: Receiver,
  chosen: readonly Manifest[],
  there: ReadonlySet<string>,
  { root, move, signal, onProgress }: Job,
): Promise<Copied> {
  const missing = chosen.filter((manifest) => !there.has(manifest.backup_id));
  const filesOf = (manifest: Manifest): FileToSend[] =>
    there.has(manifest.backup_id) && !move ? [] : filesToSend(manifest);
  const allocated = await Promise.all(missing.flatMap(filesToSend).map(({ path }) => allocatedBytes(join(root, path))));
  const total = chosen.flatMap(filesOf).reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
  await receiver.reserve(allocated.reduce((sum, bytes) => sum + bytes, 0));
  const done: Copied['points'] = [];
  let [read, sent, present] = [0, 0, 0];
  for (const manifest of chosen) {
    signal?.throwIfAborted();
    const id = manifest.backup_id;
    let bytes = 0;
    for (const file of filesOf(manifest)) {
      const onBytes = (count: number): void => onProgress?.(file.path, (read += count), total);
      const moved = await sendFile(receiver, root, file, { signal, onBytes });
      bytes += moved ?? 0;
      if (moved === null) present++;
      else sent++;
    }
    const { context } = manifest.vm;
    await receiver.commit(
      (await readManifestFile(join(root, manifestPath(context, id)))).toString('utf8'),
      await marksOf(root, context, id),
    );
    done.push({ backup_id: id, state: there.has(id) ? 'present' : 'copied', bytes });
  }
  return { points: done, sent, present };
}

const marksOf = (root: string, context: string, id: string): Promise<string | null> =>
  readRegular(join(root, marksPath(context, id))).then(
    (bytes) => bytes.toString('utf8'),
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    },
  );

/** All but the manifest, which goes last. */
function filesToSend(manifest: Manifest): FileToSend[] {
  const { context } = manifest.vm;
  const known = new Map<string, Omit<FileToSend, 'path'>>();
  for (const { path, file_bytes: bytes, index } of manifest.disks) {
    known.set(join(context, path), { bytes, sha256: null });
    known.set(join(context, index.path), { bytes: index.bytes, sha256: index.sha256 });
  }
  const config = manifest.vm_config;
  if (config) known.set(join(context, config.path), { bytes: config.bytes, sha256: config.sha256 });
  return filesOfPoint({ ...manifest, created: 0 }).flatMap((path) => {
    const facts = known.get(path);
    return facts ? [{ path, ...facts }] : [];
  });
}
