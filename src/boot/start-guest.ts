import { SendenseError } from '../errors/sendense-error.ts';
import { qemuSystem } from '../host/images/qemu-system.ts';
import { tail } from '../host/programs/process.ts';
import { thisPlace } from '../host/programs/process-identity.ts';
import { startServer } from '../host/programs/start-server.ts';
import { uefiFiles } from '../machines/firmware.ts';
import type { RepositoryAccess } from '../restore-points/repository-access.ts';
import { changeBoot, type BootRow } from '../state/boots/boots.ts';
import { findPoint } from '../state/points/restore-points.ts';
import { programLog } from './boot-files.ts';
import { bootMachineOf } from './boot-machine.ts';
import { diskFiles } from './disk-files.ts';
import { serveDisks } from './disk-servers.ts';
import { joinGroup } from './group-network.ts';
import { guestArgs } from './guest-args.ts';
import { atMonitor } from './monitor.ts';

const startMs = 120_000;

/**
 * Starts the VM with all that it has in its folder; it runs when this returns, and outlives this process.
 * @throws SendenseError `boot.failed`, `tool.missing`, and as `serveDisks`
 */
export async function startGuest(access: RepositoryAccess, row: BootRow, signal?: AbortSignal): Promise<void> {
  const booted = bootMachineOf(row);
  await serveDisks(access, row, signal);
  await joinGroup(row, signal);
  const args = guestArgs({
    id: row.id,
    folder: row.folder,
    booted,
    files: new Map(booted.disks.map((disk) => [disk.number, diskFiles(row, disk)])),
    efiCode: booted.machine.firmware === 'efi' ? (await uefiFiles()).code : null,
  });
  const { identity, end } = await startServer(qemuSystem, args, {
    cwd: row.folder,
    secret: await secretOf(access, row),
    lastingLog: programLog(row.folder),
    isReady: () => atMonitor(row.folder, async () => true).catch(() => false),
    timeoutMs: startMs,
    signal,
  });
  if (!identity) throw new SendenseError('boot.failed', `${qemuSystem} ${end.exit}: ${tail(end.said)}`);
  changeBoot(access.state, row.id, { wanted: 'on', paused: null, place: thisPlace() });
}

/** The key of what the guest writes. */
async function secretOf(access: RepositoryAccess, row: BootRow): Promise<string | undefined> {
  const disk = bootMachineOf(row).disks.find(({ encrypted }) => encrypted);
  if (!disk) return undefined;
  const { repository, context, backup_id: backupId } = row;
  const point = findPoint(access.state, { repository, context, backupId });
  const of = point?.disks.find(({ number }) => number === disk.number);
  return of ? (await access.imageKeys(repository)).of(of)?.passphrase : undefined;
}
