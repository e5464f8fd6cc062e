import { SendenseError } from '../../errors/sendense-error.ts';
import { clearRunFolder, runFolderOf } from '../../host/programs/run-folder.ts';
import { decideDisk, type Decision } from '../../repository/decide-disk.ts';
import { brokenBelow } from '../../repository/merge/run-below.ts';
import { encryptionChange, encryptionOf, lostKeys, type ImageKeys } from '../../repository/image-keys.ts';
import { backupIdOf, diskName, imagePath, indexPath } from '../../repository/layout.ts';
import { manifestIds } from '../../repository/manifest-ids.ts';
import { filesFit, verifyChain, type ChainVerdict, type StoredDisk } from '../../repository/verify-chain.ts';
import { isForeign, ownerOf, type OwnedPoint } from '../../repository/vm-identity.ts';
import type { State } from '../../state/database/open-state.ts';
import { clockSetBackSince } from '../../state/notices/notices.ts';
import type { Marks } from '../../repository/marks.ts';
import { latestPoint, points, type RestorePoint } from '../../state/points/restore-points.ts';
import { knownDisks, type VmContext } from '../../state/points/vm-disks.ts';
import type { ChainDecideInput, ChainDecideOutput, DiskDecision, DiskInfo } from '../../schemas/types.ts';
import { assertSameVm } from './assert-same-vm.ts';
import { brokenParent, otherVm, restoredInPlace, unseenRevert, whatBroke } from './chain-doubts.ts';
import { confirmContent } from './confirm-content.ts';
import { defineStep } from '../define-step.ts';
import { followMarks } from '../../restore-points/hold/follow-marks.ts';
import { followMerges } from '../../restore-points/hold/follow-merges.ts';
import { giveBackPoints, holdPoints } from '../../restore-points/hold/hold-points.ts';
import { ownedPoints } from '../../restore-points/choose/owned-points.ts';
import { readFolderId } from '../../restore-points/serve-chain.ts';
import type { Services } from '../services.ts';
import { storedChain, storedDisk } from '../../restore-points/stored-chain.ts';
import type { VmReference } from '../../sources/source-kind.ts';

interface Claim {
  readonly backupId: string;
  /** Where a server for comparing a touched chain has its pid file. */
  readonly folder: string;
  /** Of the VM, in the repository: a run that is killed does not give it back. */
  readonly lock: { readonly repository: string; readonly context: string; readonly run: string };
}

/** Compares the content of a chain whose files were touched; answers sound or broken. */
type Confirm = (disk: DiskInfo, chain: readonly StoredDisk[], touched: readonly string[]) => Promise<ChainVerdict>;

export const chainDecide = defineStep<ChainDecideInput, Claim, ChainDecideOutput>({
  uses: 'chain.decide',
  title: 'Decide full or incremental',
  claim: (input, facts) => ({
    backupId: backupIdOf(facts.startedAt, facts.runId),
    folder: runFolderOf(readFolderId(facts.runId)),
    lock: { repository: input.repository, context: contextOf(input), run: facts.runId },
  }),

  async plan({ services, startedAt, runId, planName }, input) {
    const later: string[] = [];
    const there = await readOwn(services, input, planName);
    const backupId = backupIdOf(startedAt, runId);
    const output = await decide(services, input, { backupId, there }, async (_disk, _chain, touched) => {
      later.push(
        `${touched.join(', ')} changed since the commit: the content will be compared before anything is built on it`,
      );
      return { verdict: 'sound' };
    });
    return {
      effects: [],
      notes: output.disks.map((disk) => `${disk.disk}: ${disk.mode}, ${disk.reason}`),
      unknown: [...later, 'the backup id: it holds the time of the run'],
      output,
    };
  },

  async run(context, input, claim) {
    const { path: root } = await context.services.openRepository(input.repository);
    // From here to the end of the run nobody, of whatever hub, takes away or merges what is built on.
    context.scope.use(
      await holdPoints(context.services.state, {
        root,
        context: contextOf(input),
        run: context.runId,
        signal: context.signal,
        log: context.log,
      }),
    );
    const there = await readOwn(context.services, input, context.planName);
    const strangers = await unknownPoints(context.services.state, input, root);
    if (strangers !== null) context.warn(strangers);
    const { backupId } = claim;
    const output = await decide(context.services, input, { backupId, there }, (disk, chain, touched) =>
      confirmContent(
        context,
        { root, repository: input.repository, vm: contextOf(input), label: disk.label },
        chain,
        touched,
      ),
    );
    for (const disk of output.disks) context.log(`${disk.disk}: ${disk.mode}, ${disk.reason}`);
    for (const warning of output.warnings) context.warn(warning);
    return output;
  },

  async undo({ services, signal }, { folder, lock }) {
    await clearRunFolder(folder, signal);
    await giveBackPoints(services.state, { ...lock, root: services.repositoryPath(lock.repository) });
  },
});

const contextOf = (input: ChainDecideInput): string => (input.vm as unknown as VmReference).name;

/** A warning where the VM has restore points and the state database, which was lost perhaps, has none of them; null: it is not so. */
async function unknownPoints(state: State, input: ChainDecideInput, root: string): Promise<string | null> {
  const { repository } = input;
  const context = contextOf(input);
  if (latestPoint(state, { repository, context })) return null;
  const { size } = await manifestIds(root, context).catch(() => new Set());
  return size === 0
    ? null
    : `${size === 1 ? 'a restore point' : `${size} restore points`} of ${context} in repository ${repository} ${size === 1 ? 'is' : 'are'} not in the state database; sendense-run repo import ${repository} enters what is there`;
}

/** The restore points under the VM's name, in the files. @throws SendenseError `vm.identity` where they are of another VM */
async function readOwn(services: Services, input: ChainDecideInput, plan: string): Promise<OwnedPoint[]> {
  const vm = { repository: input.repository, context: contextOf(input) };
  const there = await ownedPoints(services.state, services.repositoryPath(input.repository), vm);
  const disks = input.disks.map(({ uuid }) => uuid);
  assertSameVm(vm, { instanceUuid: input.facts?.instance_uuid ?? null, disks, plan }, there);
  return there;
}

async function decide(
  services: Services,
  input: ChainDecideInput,
  { backupId, there }: { readonly backupId: string; readonly there: readonly OwnedPoint[] },
  confirm: Confirm,
): Promise<ChainDecideOutput> {
  const context = contextOf(input);
  const root = services.repositoryPath(input.repository);
  const vm = { repository: input.repository, context };
  const marks = await followMarks(services.state, root, vm);
  const owner = ownerOf(there);
  const foreign = new Set(there.filter((point) => isForeign(point, owner)).map((point) => point.backupId));
  const last = await newestPoint(services, root, vm, foreign);
  const inFiles = there.flatMap((point) => point.disks.map(({ uuid, number }) => [uuid, number] as const));
  const numbers = numbersFor(input.disks, new Map([...inFiles, ...knownDisks(services.state, vm)]));
  const keys = await services.imageKeys(input.repository);
  const encryption = encryptionOf(keys);
  const disks: DiskDecision[] = [];
  for (const disk of input.disks) {
    const number = numbers.get(disk.uuid) ?? 0;
    const found = await look(services, input, disk, last, confirm, keys, marks);
    refuseFallback(input, disk, found.decision);
    disks.push({ ...decisionOf(disk, number, context, backupId, found), encryption });
  }
  const kept = new Set(input.disks.map((disk) => disk.uuid));
  const removed = (last?.disks ?? [])
    .filter((disk) => !kept.has(disk.uuid))
    .map(({ number, uuid, label }) => ({ number, uuid, label }));
  return {
    backup_id: backupId,
    context,
    repository: input.repository,
    kind: disks.every((disk) => disk.mode === 'full') ? 'full' : 'incremental',
    parent: last?.backup_id ?? null,
    disks: disks.toSorted((a, b) => a.number - b.number),
    removed_disks: removed,
    summary: disks.map((disk) => ({
      disk: disk.disk,
      mode: disk.mode,
      reason: disk.reason,
      bytes_total: disk.capacity_bytes,
      bytes_transferred: 0,
      change_id: null,
      path: null,
    })),
    warnings: [
      // Of a VM that was made anew all disks are others, and each says why.
      ...(last && otherVm(input, last) ? [] : removed).map(
        (disk) =>
          `${diskName(disk.number)} (${disk.label}) was in restore point ${last?.backup_id} and is no longer part of the VM`,
      ),
      ...(last ? lostKeys(keys, last) : []),
    ],
  };
}

/** What is built on: the newest restore point that a backup made, as it is after whatever merges another hub has made of its chains. */
async function newestPoint(
  services: Services,
  root: string,
  vm: VmContext,
  /** Backup ids of another VM's. */
  foreign: ReadonlySet<string>,
): Promise<RestorePoint | undefined> {
  const { state } = services;
  for (let followed = false; ; followed = true) {
    const last = points(state, vm).findLast((point) => !point.kept && !foreign.has(point.backup_id));
    if (!last || followed) return last;
    const chains = last.disks.map(({ number }) => storedChain(state, last, number)).filter((one) => Array.isArray(one));
    const ids = new Set(chains.flat().map(({ backupId }) => backupId));
    const verdicts = await Promise.all(chains.map((chain) => filesFit(root, chain)));
    if (verdicts.every(Boolean)) return last;
    const keys = [...ids].map((backupId) => ({ ...vm, backupId }));
    if (!(await followMerges(state, root, keys))) return last;
  }
}

/** Known disks keep their numbers; new ones get the next, in the order of the VM. */
function numbersFor(disks: readonly DiskInfo[], known: ReadonlyMap<string, number>): Map<string, number> {
  const numbers = new Map(known);
  let next = Math.max(-1, ...known.values()) + 1;
  for (const { uuid } of disks) if (!numbers.has(uuid)) numbers.set(uuid, next++);
  return numbers;
}

interface Found {
  readonly decision: Decision;
  readonly parent: StoredDisk | null;
}

async function look(
  services: Services,
  input: ChainDecideInput,
  disk: DiskInfo,
  last: RestorePoint | undefined,
  confirm: Confirm,
  keys: ImageKeys,
  marks: ReadonlyMap<string, Marks>,
): Promise<Found> {
  const row = last?.disks.find((entry) => entry.uuid === disk.uuid);
  const parent = last && row ? storedDisk(last, row) : null;
  const setBack = last ? clockSetBackSince(services.state, last.run_id) : 0;
  const facts = {
    disk,
    wanted: input.mode,
    lastPoint: last?.backup_id ?? null,
    parent,
    otherVm: last ? otherVm(input, last) : null,
    broken:
      last && row
        ? (brokenParent(services.state, last, row.number, marks) ??
          whatBroke(input, disk, last, row, setBack) ??
          encryptionChange(keys, last.backup_id, row))
        : null,
    unproven: last ? (restoredInPlace(input, last) ?? unseenRevert(input, last, setBack)) : null,
  };
  // Files are only looked at where the answer depends on them.
  const first = decideDisk({ ...facts, chain: { verdict: 'sound' } });
  if (first.mode === 'full' || !last || !row) return { decision: first, parent: null };
  const verdict = await judge(
    services,
    input.repository,
    disk,
    storedChain(services.state, last, row.number),
    confirm,
    keys,
  );
  const decision = decideDisk({ ...facts, chain: verdict });
  return { decision, parent: decision.mode === 'incremental' ? parent : null };
}

async function judge(
  services: Services,
  repository: string,
  disk: DiskInfo,
  chain: readonly StoredDisk[] | string,
  confirm: Confirm,
  keys: ImageKeys,
): Promise<ChainVerdict> {
  if (typeof chain === 'string') return { verdict: 'broken', reason: chain };
  const root = services.repositoryPath(repository);
  const [newest] = chain;
  const verdict = await verifyChain(root, chain, { key: newest ? keys.of(newest) : null });
  for (const link of verdict.verdict === 'broken' ? [] : chain) {
    const reason = await brokenBelow(root, link);
    if (reason !== null) return { verdict: 'broken', reason };
  }
  return verdict.verdict === 'touched' ? confirm(disk, chain, verdict.paths) : verdict;
}

function refuseFallback(input: ChainDecideInput, disk: DiskInfo, decision: Decision): void {
  if (input.mode !== 'incremental' || input.onNoParent === 'full' || !decision.fallback) return;
  throw new SendenseError('chain.no-parent', `${disk.label}: no incremental is possible: ${decision.reason}`);
}

const decisionOf = (
  disk: DiskInfo,
  number: number,
  context: string,
  backupId: string,
  { decision, parent }: Found,
): DiskDecision => ({
  disk: diskName(number),
  number,
  key: disk.key,
  uuid: disk.uuid,
  label: disk.label,
  source_path: disk.path,
  source_format: disk.format,
  still: disk.still,
  capacity_bytes: disk.capacity_bytes,
  mode: decision.mode,
  method: decision.method,
  reason: decision.reason,
  parent: parent && {
    backup_id: parent.backupId,
    path: parent.path,
    change_id: parent.changeId,
    digest: parent.digest,
    index_path: parent.indexPath,
  },
  path: imagePath(context, number, backupId),
  index_path: indexPath(context, number, backupId),
  estimated_bytes:
    decision.method === 'areas'
      ? (disk.changed_data_bytes ?? disk.changed_bytes)
      : decision.method === 'full'
        ? (disk.allocated_bytes ?? disk.capacity_bytes)
        : null,
});
