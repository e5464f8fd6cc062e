import { join } from 'node:path';
import { overlayName } from '../../boot/boot-files.ts';
import { writtenBytes } from '../../boot/boot-state.ts';
import { keepable } from '../../boot/keepable.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { clearRunFolder, runFolderOf } from '../../host/programs/run-folder.ts';
import { backupIdOf, diskName, imagePath, indexPath, vmConfigPath } from '../../repository/layout.ts';
import { brokenBelow } from '../../repository/merge/run-below.ts';
import { verifyChain, type ChainVerdict, type StoredDisk } from '../../repository/verify-chain.ts';
import { identityOf } from '../../repository/vm-identity.ts';
import { followMarks } from '../../restore-points/hold/follow-marks.ts';
import { giveBackPoints, holdPoints } from '../../restore-points/hold/hold-points.ts';
import { readFolderId } from '../../restore-points/serve-chain.ts';
import { storedChain, storedDisk } from '../../restore-points/stored-chain.ts';
import type { BootDecideInput, BootDecideOutput, DiskDecision } from '../../schemas/types.ts';
import type { VmReference } from '../../sources/source-kind.ts';
import type { BootRow } from '../../state/boots/boots.ts';
import { marksKey } from '../../state/points/point-marks.ts';
import { findPoint, type RestorePoint } from '../../state/points/restore-points.ts';
import { brokenParent } from '../chain/chain-doubts.ts';
import { confirmContent } from '../chain/confirm-content.ts';
import { defineStep } from '../define-step.ts';
import type { Services } from '../services.ts';

interface Claim {
  readonly backupId: string;
  /** Where a server for comparing a touched chain has its pid file. */
  readonly folder: string;
  /** Of the VM, in the repository: a run that is killed does not give it back. */
  readonly lock: { readonly repository: string; readonly context: string; readonly run: string };
}

/** Compares the content of a disk's chain whose files were touched; answers sound or broken. */
type Confirm = (disk: string, chain: readonly StoredDisk[], touched: readonly string[]) => Promise<ChainVerdict>;

const contextOf = ({ vm }: BootDecideInput): string => (vm as unknown as VmReference).name;

export const bootDecide = defineStep<BootDecideInput, Claim, BootDecideOutput>({
  uses: 'boot.decide',
  title: 'Look at what the VM runs from',
  claim: (input, facts) => ({
    backupId: backupIdOf(facts.startedAt, facts.runId),
    folder: runFolderOf(readFolderId(facts.runId)),
    lock: { repository: input.repository, context: contextOf(input), run: facts.runId },
  }),

  async plan({ services, startedAt, runId }, input) {
    const later: string[] = [];
    const output = await decide(services, input, backupIdOf(startedAt, runId), async (_disk, _chain, touched) => {
      later.push(
        `${touched.join(', ')} changed since the commit: the content will be compared before anything is kept`,
      );
      return { verdict: 'sound' };
    });
    return {
      effects: [],
      notes: output.decision.disks.map((disk) => `${disk.disk}: ${disk.mode}, ${disk.reason}`),
      unknown: [...later, 'the backup id: it holds the time of the run'],
      output,
    };
  },

  async run(context, input, { backupId }) {
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
    const where = { root, repository: input.repository, vm: contextOf(input) };
    const output = await decide(context.services, input, backupId, (label, chain, touched) =>
      confirmContent(context, { ...where, label }, chain, touched),
    );
    for (const disk of output.decision.disks) context.log(`${disk.disk}: ${disk.mode}, ${disk.reason}`);
    return output;
  },

  async undo({ services, signal }, { folder, lock }) {
    await clearRunFolder(folder, signal);
    await giveBackPoints(services.state, { ...lock, root: services.repositoryPath(lock.repository) });
  },
});

async function decide(
  services: Services,
  input: BootDecideInput,
  backupId: string,
  confirm: Confirm,
): Promise<BootDecideOutput> {
  const { repository } = input;
  const context = contextOf(input);
  const row = keepable(services.state, input.boot);
  if (row.repository !== repository || row.context !== context)
    throw new SendenseError(
      'boot.failed',
      `${row.id} runs from a restore point of ${row.context} in repository ${row.repository}, not of ${context} in ${repository}`,
      { remedy: 'Correct `vm` and `repository` of the plan, or say `sendense-run boot keep`, which knows both.' },
    );
  const root = services.repositoryPath(repository);
  const marks = await followMarks(services.state, root, { repository, context });
  const point = findPoint(services.state, { repository, context, backupId: row.backup_id });
  if (!point) throw new SendenseError('point.unknown', `restore point ${row.backup_id} is not there any more`);
  const disks: DiskDecision[] = [];
  for (const { number } of point.disks) {
    const fault =
      brokenParent(services.state, point, number, marks) ?? (await faultOf(services, root, { point, number, confirm }));
    if (fault !== null)
      throw new SendenseError('chain.damaged', `${diskName(number)} of ${row.backup_id}: ${fault}`, {
        remedy: `Nothing was kept, and the VM is as it was. \`sendense-run boot move ${row.id} --to DIRECTORY\` takes what can still be read.`,
      });
    disks.push(await decisionOf(row, point, number, backupId));
  }
  const { vm_config: config, vm } = point;
  return {
    decision: {
      backup_id: backupId,
      context,
      repository,
      kind: 'incremental',
      parent: point.backup_id,
      disks,
      removed_disks: [],
      summary: disks.map((disk) => ({
        disk: disk.disk,
        mode: disk.mode,
        reason: disk.reason,
        bytes_total: disk.capacity_bytes,
        bytes_transferred: 0,
        change_id: null,
        path: null,
      })),
      warnings: [],
    },
    vm_config: config ? { ...config, path: vmConfigPath(context, point.backup_id) } : null,
    instance_uuid: vm.instance_uuid ? identityOf(vm, marks.get(marksKey(context, point.backup_id))) : null,
    path: vm.path ?? null,
  };
}

/** What speaks against building on a disk; null: nothing. */
async function faultOf(
  services: Services,
  root: string,
  { point, number, confirm }: { readonly point: RestorePoint; readonly number: number; readonly confirm: Confirm },
): Promise<string | null> {
  const chain = storedChain(services.state, point, number);
  if (typeof chain === 'string') return chain;
  const [newest] = chain;
  const keys = await services.imageKeys(point.repository);
  const verdict = await verifyChain(root, chain, { key: newest ? keys.of(newest) : null });
  if (verdict.verdict === 'broken') return verdict.reason;
  for (const link of chain) {
    const reason = await brokenBelow(root, link);
    if (reason !== null) return reason;
  }
  const confirmed = verdict.verdict === 'touched' ? await confirm(diskName(number), chain, verdict.paths) : verdict;
  return confirmed.verdict === 'broken' ? confirmed.reason : null;
}

async function decisionOf(row: BootRow, point: RestorePoint, number: number, backupId: string): Promise<DiskDecision> {
  const disk = point.disks.find((entry) => entry.number === number);
  if (!disk) throw new SendenseError('run.internal', `${diskName(number)} is none of ${point.backup_id}`);
  const parent = storedDisk(point, disk);
  const { context } = point.vm;
  return {
    disk: diskName(number),
    number,
    key: disk.key,
    uuid: disk.uuid,
    label: disk.label,
    source_path: disk.source_path,
    source_format: disk.source_format,
    still: true,
    capacity_bytes: disk.capacity_bytes,
    mode: 'incremental',
    method: 'areas',
    reason: `what the guest of ${row.id} wrote, on top of ${point.backup_id}`,
    parent: {
      backup_id: parent.backupId,
      path: parent.path,
      change_id: parent.changeId,
      digest: parent.digest,
      index_path: parent.indexPath,
    },
    path: imagePath(context, number, backupId),
    index_path: indexPath(context, number, backupId),
    estimated_bytes: await writtenBytes(join(row.folder, overlayName(number))),
    // A chain has one key.
    encryption: disk.encryption ?? null,
  };
}
