import { rm, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { exists, fsyncFolder } from '../../host/files/files.ts';
import { requireTools } from '../../host/programs/tools.ts';
import { backingNameOf } from '../../host/images/qcow2-header.ts';
import { readContext } from '../../repository/stored-files/read-context.ts';
import { backingName, manifestPath } from '../../repository/layout.ts';
import { readManifest, writeManifest } from '../../repository/manifest.ts';
import { manifestSays } from '../../repository/manifest-says.ts';
import { marksPath, writeMarks } from '../../repository/marks.ts';
import { assertOwnFolder } from '../../repository/own-folder.ts';
import { assertHeld, removeFile } from '../../repository/vm-lock/fenced.ts';
import type { VmHold } from '../../repository/vm-lock/vm-hold.ts';
import type { State } from '../../state/database/open-state.ts';
import { findPoint, insertRestorePoint, latestPoint } from '../../state/points/restore-points.ts';
import type { BackupCommitInput, BackupCommitOutput, KeptPoint, Manifest } from '../../schemas/types.ts';
import type { RunFacts, StepPreview } from '../../engine/step.ts';
import { defineStep } from '../define-step.ts';
import { followMarks } from '../../restore-points/hold/follow-marks.ts';
import { holdMarks } from '../../restore-points/hold/hold-marks.ts';
import { holdPoints } from '../../restore-points/hold/hold-points.ts';
import { settleImmutablePoints } from '../../restore-points/hold/immutable-points.ts';
import { movedBytes } from '../moved-bytes.ts';
import type { Services } from '../services.ts';
import type { VmReference } from '../../sources/source-kind.ts';

interface Claim {
  readonly repository: string;
  readonly context: string;
  readonly backupId: string;
}

export const backupCommit = defineStep<BackupCommitInput, Claim, BackupCommitOutput>({
  uses: 'backup.commit',
  title: 'Commit the restore point',
  leaves: 'result',
  claim: (input) => ({
    repository: input.repository,
    context: input.decision.context,
    backupId: input.decision.backup_id,
  }),

  plan: async ({ services }, input) => ({ effects: commitEffects(services, input) }),

  /** Where the restore point will be is known before there is anything to commit. */
  planPartly: async ({ services }, { repository, decision }) => ({
    effects: repository !== undefined && decision ? commitEffects(services, { repository, decision }) : [],
  }),

  async run(context, input, claim) {
    const { services } = context;
    const { path: root } = await services.openRepository(claim.repository);
    const path = join(root, manifestPath(claim.context, claim.backupId));
    const [qemu] = await requireTools(['qemu-img'], context.signal);
    // The run holds it since it decided what to build on, unless it is of steps of the user's own.
    await using hold = await holdPoints(services.state, {
      root,
      context: claim.context,
      run: context.runId,
      signal: context.signal,
      log: context.log,
    });
    // From here the run is not stopped half-way: a manifest without its rows would have to be unwound again.
    context.signal.throwIfAborted();
    const kept = input.kept ?? null;
    // Before anybody can find it: no prune may be sooner.
    if (kept) await protectKept(services.state, root, claim, kept);
    const manifest =
      (await ownManifest(path, context.runId)) ??
      (await publish(hold, path, input, manifestOf(input, context, services, qemu?.version ?? '')));
    insertRestorePoint(services.state, claim.repository, manifest);
    if (kept) await followMarks(services.state, root, claim);
    await settleImmutablePoints(context, claim.repository, claim.context);
    return {
      backup_id: claim.backupId,
      manifest: path,
      disks: input.decision.disks.map((disk) => {
        const moved = find(input.transferred, disk.disk);
        return {
          disk: disk.disk,
          mode: disk.mode,
          reason: moved.reason,
          bytes_total: disk.capacity_bytes,
          bytes_transferred: moved.bytes_transferred,
          ...movedBytes(moved),
          bytes_stored: find(input.sealed, disk.disk).file_bytes,
          change_id: moved.change_id,
          path: join(root, disk.path),
        };
      }),
    };
  },

  published: async ({ services }, claim) => isCommitted(services.state, claim),

  async undo({ services, runId }, claim) {
    if (isCommitted(services.state, claim)) return;
    const path = join(await services.existingRepository(claim.repository), manifestPath(claim.context, claim.backupId));
    if ((await runOf(path)) === runId) await unpublish(services.state, path, claim, runId);
    await rm(`${path}.sendense-part`, { force: true });
    const root = dirname(dirname(path));
    if (!(await exists(path))) await rm(join(root, marksPath(claim.context, claim.backupId)), { force: true });
    await fsyncFolder(dirname(path)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  },
});

const commitEffects = (
  services: Services,
  { repository, decision }: Pick<BackupCommitInput, 'repository' | 'decision'>,
): StepPreview['effects'] => [
  {
    action: 'create',
    target: join(services.repositoryPath(repository), manifestPath(decision.context, decision.backup_id)),
    detail: 'manifest',
    argv: null,
  },
  {
    action: 'insert',
    target: 'backups, backup_disks',
    detail: 'restore point and change ids, one transaction',
    argv: null,
  },
];

/** The manifest that an earlier attempt of this run has put in place already: its time stays. */
async function ownManifest(path: string, runId: string): Promise<Manifest | null> {
  if (!(await exists(path))) return null;
  const manifest = await readManifest(path);
  return manifest.run_id === runId ? manifest : null;
}

/** The run that wrote a manifest, which need not be sound; null where there is none. */
async function runOf(path: string): Promise<string | null> {
  try {
    return (await manifestSays(path))?.run_id ?? null;
  } catch {
    return null;
  }
}

const isCommitted = (state: State, { repository, context, backupId }: Claim): boolean =>
  findPoint(state, { repository, context, backupId }) !== undefined;

/** Right before the manifest gets its name, and by the same lock: the files are there, and what they are built on. */
async function publish(
  hold: VmHold,
  path: string,
  input: BackupCommitInput,
  content: Omit<Manifest, 'checksum'>,
): Promise<Manifest> {
  await assertHeld(hold);
  for (const { path: image } of input.decision.disks) await assertOwnFolder(hold.root, dirname(image));
  await assertFiles(hold.root, input);
  await assertParents(hold, input);
  const manifest = await writeManifest(hold, path, content);
  // The VM's folder may be new.
  await fsyncFolder(hold.root);
  return manifest;
}

/** @throws SendenseError `chain.damaged` */
async function assertParents({ root, context }: VmHold, { decision }: BackupCommitInput): Promise<void> {
  for (const { disk, path, parent } of decision.disks) {
    if (!parent) continue;
    const needed = [manifestPath(context, parent.backup_id), parent.path, parent.index_path];
    for (const file of needed) {
      if (await exists(join(root, file))) continue;
      throw new SendenseError('chain.damaged', `${disk} is built on ${parent.backup_id}, and ${file} is gone`, {
        remedy: 'Nothing was committed. Find out who removed the file. Run the plan again: it starts a new chain.',
      });
    }
    const backing = await backingNameOf(join(root, path));
    if (backing !== backingName(parent.backup_id))
      throw new SendenseError('content.mismatch', `${path} is built on ${backing}, not on ${parent.backup_id}`);
  }
}

/** Where the database does not know of it, the manifest goes again, unless another hub has built on it meanwhile. */
async function unpublish(state: State, path: string, { context, backupId }: Claim, runId: string): Promise<void> {
  const root = dirname(dirname(path));
  await using hold = await holdPoints(state, { root, context, run: runId });
  const { manifests } = await readContext(root, context);
  const child = [...manifests.values()].find(({ disks }) => disks.some(({ parent }) => parent === backupId));
  if (child)
    throw new SendenseError(
      'run.unclean',
      `${path} was put in place, and ${child.backup_id} is built on it; its files are kept`,
      { remedy: 'Run `sendense-run repo import` to enter both in the state database.' },
    );
  await removeFile(hold, path);
}

/** Its time is the clock's. Where that is not later than the place of the point before, its own place is written down too. */
function timeAndPlace(
  state: State,
  { repository, decision }: BackupCommitInput,
): Pick<Manifest, 'created' | 'sequence'> {
  const last = latestPoint(state, { repository, context: decision.context });
  const now = Date.now();
  const sequence = Math.max(now, (last?.sequence ?? 0) + 1);
  return { created: new Date(now).toISOString(), ...(sequence === now ? {} : { sequence }) };
}

/** What was sealed is what is there: nobody took or changed it meanwhile. */
async function assertFiles(root: string, input: BackupCommitInput): Promise<void> {
  for (const disk of input.decision.disks) {
    const sealed = find(input.sealed, disk.disk);
    const info = await stat(join(root, disk.path), { bigint: true });
    if (Number(info.size) !== sealed.file_bytes || String(info.mtimeNs) !== sealed.file_mtime_ns) {
      throw new SendenseError('content.mismatch', `${disk.path} changed after it was checked`);
    }
    const index = await stat(join(root, disk.index_path));
    if (index.size !== find(input.transferred, disk.disk).index_bytes) {
      throw new SendenseError('content.mismatch', `${disk.index_path} changed after it was written`);
    }
  }
}

function find<T extends { disk: string }>(entries: readonly T[], disk: string): T {
  const entry = entries.find((candidate) => candidate.disk === disk);
  if (!entry) throw new SendenseError('run.internal', `nothing is known of ${disk}`);
  return entry;
}

function identityIn({ facts, kept }: BackupCommitInput): Pick<Manifest['vm'], 'instance_uuid' | 'path'> {
  const known = facts ?? kept;
  return known ? { instance_uuid: known.instance_uuid, path: known.path } : {};
}

/** It stays until somebody says that it need not. */
async function protectKept(
  state: State,
  root: string,
  { context, backupId }: Claim,
  { boot }: KeptPoint,
): Promise<void> {
  await using hold = await holdMarks(state, { root, context });
  writeMarks(hold, backupId, {
    protected: { since: Date.now(), until: null, reason: `kept of ${boot}`, by: 'boot keep' },
  });
}

function manifestOf(
  input: BackupCommitInput,
  facts: RunFacts,
  { version, state }: Services,
  qemu: string,
): Omit<Manifest, 'checksum'> {
  const { decision } = input;
  const inContext = (path: string): string => relative(decision.context, path);
  return {
    format: 'sendense-restore-point/1',
    backup_id: decision.backup_id,
    vm: {
      name: (input.vm as unknown as VmReference).name,
      context: decision.context,
      ...identityIn(input),
    },
    kind: decision.kind,
    plan: facts.planName,
    run_id: facts.runId,
    parent: decision.parent,
    started: new Date(facts.startedAt).toISOString(),
    ...timeAndPlace(state, input),
    producer: { name: 'sendense', version, qemu },
    disks: decision.disks.map((disk) => {
      const moved = find(input.transferred, disk.disk);
      const sealed = find(input.sealed, disk.disk);
      return {
        number: disk.number,
        key: disk.key,
        uuid: disk.uuid,
        label: disk.label,
        source_path: disk.source_path,
        source_format: disk.source_format,
        capacity_bytes: disk.capacity_bytes,
        mode: disk.mode,
        method: moved.method,
        reason: moved.reason,
        parent: disk.parent?.backup_id ?? null,
        path: inContext(disk.path),
        file_bytes: sealed.file_bytes,
        file_mtime_ns: sealed.file_mtime_ns,
        digest: moved.digest,
        change_id: moved.change_id,
        bytes_transferred: moved.bytes_transferred,
        ...movedBytes(moved),
        index: { path: inContext(disk.index_path), bytes: moved.index_bytes, sha256: moved.index_sha256 },
        ...(disk.encryption ? { encryption: disk.encryption } : {}),
        ...(sealed.compression ? { compression: sealed.compression } : {}),
        ...(sealed.envelope === undefined ? {} : { envelope: sealed.envelope }),
      };
    }) as Manifest['disks'],
    removed_disks: decision.removed_disks,
    ...(input.vm_config ? { vm_config: { ...input.vm_config, path: inContext(input.vm_config.path) } } : {}),
    ...(input.snapshot ? { snapshot: input.snapshot } : {}),
    ...(input.kept ? { kept: { boot: input.kept.boot, of: input.kept.of, guest: input.kept.guest } } : {}),
    ...(input.beforeRestore ? { before_restore: input.beforeRestore } : {}),
    ...(input.facts?.restored_in_place ? { restored_in_place: input.facts.restored_in_place.run } : {}),
    ...(input.not_protected && input.not_protected.length > 0 ? { not_protected: input.not_protected } : {}),
    warnings: [...decision.warnings, ...(input.warnings ?? [])],
  };
}
