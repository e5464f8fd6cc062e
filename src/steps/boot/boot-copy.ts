import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { copyExport } from '../../blocks/copy-export.ts';
import { totalLength } from '../../blocks/extents.ts';
import { placeOf, withBoot } from '../../boot/claim.ts';
import { serveDisks } from '../../boot/disk-servers.ts';
import { endIdleServers } from '../../boot/end-idle-servers.ts';
import { keepable } from '../../boot/keepable.ts';
import { isWorkedOn } from '../../boot/settle-boot.ts';
import { whileStill } from '../../boot/while-still.ts';
import { writtenImage } from '../../boot/written-image.ts';
import type { StepContext } from '../../engine/step.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { exists } from '../../host/files/files.ts';
import { imageTarget, type ImageKey } from '../../host/images/image-options.ts';
import { mapImage } from '../../host/images/qemu-img.ts';
import { serveNbd } from '../../host/nbd/qemu-nbd.ts';
import { clearRunFolder, makeRunFolder, removeRunFolder, runFolderOf } from '../../host/programs/run-folder.ts';
import { manifestOfVmConfig, vmConfigPath } from '../../repository/layout.ts';
import type { BootCopyInput, BootCopyOutput, DiskDecision } from '../../schemas/types.ts';
import { findBoot, type BootRow } from '../../state/boots/boots.ts';
import { watchQuota } from '../at-node/watch-quota.ts';
import { defineStep } from '../define-step.ts';
import type { Services } from '../services.ts';
import { putInRepository, writeParentIndex } from './parent-index.ts';

interface Claim {
  /** Of the servers, and of what is made on the way. */
  readonly folder: string;
  /** The VM's configuration, relative to the repository. */
  readonly vmConfig: string;
  readonly repository: string;
  /** Id of the VM. */
  readonly boot: string;
}

type Context = StepContext<Services>;

export const bootCopy = defineStep<BootCopyInput, Claim, BootCopyOutput>({
  uses: 'boot.copy',
  title: 'Copy what the guest wrote',
  claim: ({ repository, decided, boot }, { runId }) => ({
    folder: runFolderOf(runId),
    vmConfig: vmConfigPath(decided.decision.context, decided.decision.backup_id),
    repository,
    boot,
  }),

  plan: async ({ services }, input) => ({
    effects: input.decided.decision.disks.map((disk) => ({
      action: 'create' as const,
      target: join(services.repositoryPath(input.repository), disk.index_path),
      detail: 'block index',
      argv: null,
    })),
    notes: [`the guest of ${input.boot} is paused while it is copied what it wrote`],
  }),

  async run(context, input, claim) {
    const { services } = context;
    const { path: root } = await services.openRepository(input.repository);
    await makeRunFolder(context.runId);
    context.scope.defer(() => removeRunFolder(context.runId));
    const { decision } = input.decided;
    const assertQuota = await watchQuota(context, {
      repository: input.repository,
      context: decision.context,
      files: [...decision.disks.flatMap((disk) => [disk.path, disk.index_path]), claim.vmConfig],
    });
    return withBoot(
      services.state,
      input.boot,
      async () => {
        const row = keepable(services.state, input.boot);
        if (row.backup_id !== decision.parent)
          throw new SendenseError('run.internal', `${row.id} runs from ${row.backup_id}, not from ${decision.parent}`);
        // A VM that is off is served by nobody, before and after.
        await using served = new AsyncDisposableStack();
        served.defer(() => endIdleServers(row));
        await serveDisks(services, row, context.signal);
        return await whileStill(services.state, row, async (guest) => {
          context.log(guest === 'off' ? 'the VM is off' : 'the guest is paused');
          const disks: BootCopyOutput['disks'] = [];
          for (const disk of decision.disks) {
            disks.push(await copyDisk(context, { root, row, disk, claim, input }));
            await assertQuota();
          }
          const { instance_uuid, path } = input.decided;
          return {
            disks,
            vm_config: await copyVmConfig(context, { root, claim, input }),
            kept: { boot: row.id, of: row.backup_id, guest, instance_uuid, path },
          };
        });
      },
      { signal: context.signal },
    );
  },

  async undo({ services, signal }, { folder, repository, vmConfig, boot }) {
    await clearRunFolder(folder, signal);
    const row = findBoot(services.state, boot);
    // Who works on it ends them.
    if (row && placeOf(row) === 'here' && !isWorkedOn(row)) await endIdleServers(row);
    const file = join(await services.existingRepository(repository), vmConfig);
    await rm(`${file}.sendense-part`, { force: true });
    // Unless the restore point is published: then it is part of it.
    if (!(await exists(manifestOfVmConfig(file)))) await rm(file, { force: true });
  },
});

interface Place {
  readonly root: string;
  readonly claim: Claim;
  readonly input: BootCopyInput;
}

async function copyDisk(
  context: Context,
  { root, row, disk, claim, input }: Place & { readonly row: BootRow; readonly disk: DiskDecision },
): Promise<BootCopyOutput['disks'][number]> {
  const { signal } = context;
  const key = (await context.services.imageKeys(input.repository)).of(disk);
  const previous = join(claim.folder, `${disk.disk}.previous-index`);
  const index = join(claim.folder, `${disk.disk}.index`);
  const store = await writeParentIndex(previous, root, disk, { key, signal });
  await using servers = new AsyncDisposableStack();
  const from = servers.use(await serveWritten(context, { row, disk, claim, key }));
  const to = servers.use(await serveTarget(context, { root, disk, claim, key }));
  const copied = await copyExport({
    from: from.uri,
    to: to.uri,
    indexPath: index,
    write: 'changed',
    areas: await writtenAreasOf(row, disk, key, signal),
    base: previous,
    compareWith: previous,
    store,
    signal,
    onProgress: (done, total) =>
      context.progress([{ disk: disk.disk, phase: 'copying', bytes_done: done, bytes_total: total, rate: 0 }]),
  });
  // What qemu-nbd has of the file in its memory is there when it has ended well.
  if ((await to.stop({ signal })) === 'killed')
    throw new SendenseError('nbd.failed', `qemu-nbd for ${disk.path} had to be killed: data that it held may be lost`);
  const stored = await putInRepository(index, join(root, disk.index_path), { key, signal });
  const bytes = totalLength(copied.changed ?? []);
  return {
    disk: disk.disk,
    key: disk.key,
    mode: disk.mode,
    method: disk.method,
    reason: disk.reason,
    bytes_transferred: bytes,
    bytes_read: copied.bytesRead,
    bytes_sent: copied.bytesSent,
    // No backup begins here.
    change_id: null,
    digest: copied.root,
    index_path: disk.index_path,
    index_bytes: stored.bytes,
    index_sha256: stored.sha256,
  };
}

interface ServedDisk {
  readonly disk: DiskDecision;
  readonly claim: Claim;
  readonly key: ImageKey | null;
}

/** What the guest sees, read-only. */
const serveWritten = ({ signal }: Context, { row, disk, claim, key }: ServedDisk & { readonly row: BootRow }) =>
  serveNbd({
    file: disk.disk,
    format: 'qcow2',
    image: writtenImage(row, disk.number, { key, below: true }),
    cwd: row.folder,
    readOnly: true,
    listen: { socket: join(claim.folder, `${disk.disk}-from.sock`) },
    exportName: '',
    pidFile: join(claim.folder, `${disk.disk}-from.pid`),
    signal,
  });

async function serveTarget({ signal }: Context, { root, disk, claim, key }: ServedDisk & { readonly root: string }) {
  const file = join(root, disk.path);
  return serveNbd({
    file,
    format: 'qcow2',
    image: await imageTarget(file, { key }),
    readOnly: false,
    listen: { socket: join(claim.folder, `${disk.disk}-to.sock`) },
    exportName: '',
    pidFile: join(claim.folder, `${disk.disk}-to.pid`),
    signal,
  });
}

/** What the file on top holds: the guest wrote nothing else. */
async function writtenAreasOf(row: BootRow, { number }: DiskDecision, key: ImageKey | null, signal: AbortSignal) {
  const areas = await mapImage(writtenImage(row, number, { key, below: false }), signal);
  return areas
    .filter(({ depth, present }) => depth === 0 && present)
    .map(({ start, length }) => ({ offset: start, length }));
}

/** The VM has the configuration that was saved with the restore point below it. */
async function copyVmConfig(
  { signal }: Context,
  { root, claim, input: { decided } }: Place,
): Promise<BootCopyOutput['vm_config']> {
  const { vm_config: config } = decided;
  if (!config) return null;
  // It stays as it is stored, encrypted or not.
  const { bytes, sha256 } = await putInRepository(join(root, config.path), join(root, claim.vmConfig), {
    key: null,
    signal,
  });
  if (sha256 !== config.sha256)
    throw new SendenseError(
      'content.mismatch',
      `${config.path} has SHA-256 ${sha256}, its manifest says ${config.sha256}`,
    );
  return { path: claim.vmConfig, bytes, sha256, ...(config.encryption ? { encryption: config.encryption } : {}) };
}
