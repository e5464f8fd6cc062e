import { stat } from 'node:fs/promises';
import { freeBytes } from '../host/files/files.ts';
import { foundNothing } from '../host/images/qemu-system.ts';
import { findByPidFile } from '../host/nbd/qemu-nbd.ts';
import { readEnd } from '../host/files/read-end.ts';
import type { BootOutput, ProcessIdentity } from '../schemas/types.ts';
import type { State } from '../state/database/open-state.ts';
import type { BootRow } from '../state/boots/boots.ts';
import { findPoint } from '../state/points/restore-points.ts';
import { diskName } from '../repository/layout.ts';
import { dirname, join } from 'node:path';
import { firmwareLog, serialLog, serverPidFile, vncName } from './boot-files.ts';
import { bootMachineOf, decidedMachine, groupOf, type BootMachine, type BootNetwork } from './boot-machine.ts';
import { streamJobs } from './advance-move.ts';
import { moveOf } from './boot-move.ts';
import { placeOf } from './claim.ts';
import { diskFiles } from './disk-files.ts';
import { unserved } from './disk-servers.ts';
import { atMonitor, guestProcess, lookMs, runState } from './monitor.ts';

/** How it goes with a VM, as it is at this moment. */
export async function describeBoot(state: State, row: BootRow): Promise<BootOutput> {
  const { id, repository, context, folder } = row;
  const point = findPoint(state, { repository, context, backupId: row.backup_id });
  const booted = decidedMachine(row);
  const guest = placeOf(row) === 'here' ? await guestProcess(folder) : null;
  const { state: how, why } = await stateOf(row, guest);
  const disks = await Promise.all((booted?.disks ?? []).map((disk) => describeDisk(row, disk)));
  return {
    version: 1,
    id,
    vm: point?.vm.name ?? context,
    repository,
    backup_id: row.backup_id,
    created: point?.created ?? null,
    state: how,
    why,
    started: row.started,
    started_by: row.started_by,
    folder,
    guest_pid: guest?.pid ?? null,
    vnc: guest === null ? null : join(folder, vncName),
    network: booted ? networkText(booted.network) : 'none',
    accel: booted?.accel ?? null,
    firmware: booted?.machine.firmware ?? null,
    cpus: booted?.machine.cpus.count ?? null,
    memory_bytes: booted?.machine.memoryBytes ?? null,
    written_bytes: sum(disks.map(({ written_bytes: bytes }) => bytes)),
    free_bytes: await freeBytes(disks[0] ? dirname(disks[0].file) : folder).catch(() => null),
    quota_bytes: booted?.quotaBytes ?? null,
    disks,
    needs_repository: row.state !== 'moved',
    move: await describeMove(row, guest !== null),
    notes: [...(booted?.machine.notes ?? []), ...(booted?.accel === 'tcg' ? [slow] : [])],
  };
}

/** Which other VMs are in it says nobody. */
const networkText = (network: BootNetwork): string => (groupOf(network) === null ? network : 'isolated');

const slow = 'it runs without KVM, and is slow';

async function describeDisk(row: BootRow, disk: BootMachine['disks'][number]): Promise<BootOutput['disks'][number]> {
  const { layers, onChain } = diskFiles(row, disk);
  const sizes = await Promise.all(layers.map(({ file }) => writtenBytes(file)));
  const server = onChain ? await findByPidFile(serverPidFile(row.folder, disk.number)) : null;
  return {
    disk: diskName(disk.number),
    capacity_bytes: disk.capacityBytes,
    file: layers[0]?.file ?? '',
    written_bytes: sum(sizes),
    server_pid: server?.pid ?? null,
  };
}

async function describeMove(row: BootRow, isOn: boolean): Promise<BootOutput['move']> {
  const move = moveOf(row);
  if (move === null) return null;
  const jobs = isOn ? await atMonitor(row.folder, streamJobs, lookMs).catch(() => []) : [];
  const capacity = new Map(bootMachineOf(row).disks.map(({ number, capacityBytes }) => [number, capacityBytes]));
  const copied = move.disks.map(({ number, state }) => {
    if (state === 'copied' || state === 'done') return capacity.get(number) ?? 0;
    return jobs.find(({ device }) => device === `move${number}`)?.offset ?? 0;
  });
  return {
    directory: move.directory,
    done: row.state === 'moved',
    copied_bytes: sum(copied),
    total_bytes: sum(move.disks.map(({ number }) => capacity.get(number) ?? 0)),
  };
}

const sum = (all: readonly number[]): number => all.reduce((total, one) => total + one, 0);

/** What a file takes on its disk; 0 where there is none. */
export const writtenBytes = (file: string): Promise<number> =>
  stat(file).then(
    ({ blocks }) => blocks * 512,
    () => 0,
  );

type Standing = Pick<BootOutput, 'state' | 'why'>;

async function stateOf(row: BootRow, guest: ProcessIdentity | null): Promise<Standing> {
  if (row.state === 'starting' || row.state === 'stopping') return { state: row.state, why: null };
  const place = placeOf(row);
  if (place === 'elsewhere') return { state: 'unknown', why: 'it was started in another container' };
  if (guest === null)
    return { state: 'off', why: place === 'past' ? 'this machine was started again meanwhile' : null };
  const asked = await atMonitor(row.folder, runState, lookMs).catch((error: unknown) => (error as Error).message);
  return standingOf(asked, row) ?? { state: 'running', why: await whyNot(row) };
}

function standingOf(asked: string, { paused }: BootRow): Standing | null {
  if (asked === 'running') return null;
  if (paused !== null) return { state: 'paused', why: paused };
  if (asked === 'paused') return { state: 'paused', why: 'somebody paused it' };
  if (asked === 'io-error') return { state: 'paused', why: 'a disk cannot be read or written at this moment' };
  return { state: 'failed', why: asked };
}

const logBytes = 64 * 1024;

/** What a guest lacks that runs; null: nothing that is known. */
async function whyNot(row: BootRow): Promise<string | null> {
  const waiting = await unserved(row);
  if (waiting.length > 0) return `nothing serves the chain of ${waiting.map(diskName).join(', ')} at this moment`;
  const [firmware, serial] = await Promise.all([
    readEnd(firmwareLog(row.folder), logBytes),
    readEnd(serialLog(row.folder), logBytes),
  ]);
  return foundNothing(firmware, serial) ? 'its firmware finds no disk that it can start from' : null;
}
