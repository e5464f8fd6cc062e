import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { freeBytes, fsyncFolder } from '../host/files/files.ts';
import { imageTarget } from '../host/images/image-options.ts';
import { readImageStart } from '../host/images/image-start.ts';
import { createOverlayOn } from '../host/images/qemu-img.ts';
import { thisPlace, thisProcess } from '../host/programs/process-identity.ts';
import { uefiFiles } from '../machines/firmware.ts';
import { machineOf, type WantedMachine } from '../machines/machine-of.ts';
import { readUnlessSaid, savedConfigOf } from '../machines/read-vm-config.ts';
import { imagePath } from '../repository/layout.ts';
import { sizeText } from '../repository/stored-files/size.ts';
import { settleAll } from '../restore-points/settle-all.ts';
import { selectPoint } from '../restore-points/choose/select-point.ts';
import type { RepositoryAccess } from '../restore-points/repository-access.ts';
import { gptBytes, needsUefi } from '../restore-points/verify/needs-uefi.ts';
import type { PointChoice } from '../schemas/types.ts';
import { addBoot, changeBoot, findBoot, releaseBoot, type BootRow } from '../state/boots/boots.ts';
import { findPoint, type RestorePoint } from '../state/points/restore-points.ts';
import { assertApart } from './assert-apart.ts';
import { overlayName, serverSocketName, variablesName } from './boot-files.ts';
import { cardsOf, undecided, type BootMachine, type BootNetwork } from './boot-machine.ts';
import { knownBoot } from './claim.ts';
import { chosenAccel } from './choose-accel.ts';
import { findNetwork } from './find-network.ts';
import { removeBoot } from './remove-boot.ts';
import { serveDisks } from './disk-servers.ts';
import { startGuest } from './start-guest.ts';
import { markUsed } from './used-mark.ts';

export interface BootRequest {
  /** Default: a random one. */
  readonly id?: string | undefined;
  readonly repository: string;
  readonly vm: string;
  readonly choice: PointChoice;
  readonly identity?: string | undefined;
  readonly wanted: WantedMachine;
  readonly accel: 'auto' | 'kvm' | 'tcg';
  readonly network: BootNetwork;
  /** It gets a port for the agent in its guest. */
  readonly agent?: boolean;
  /** The MAC addresses that were saved. */
  readonly keepMac: boolean;
  /** The UUID that was saved. */
  readonly keepIdentity: boolean;
  /** In which the folder of the VM is made; default: beside the state database. */
  readonly parent?: string | undefined;
  readonly reserveBytes: number;
  readonly quotaBytes: number | null;
  /** Who wants it. */
  readonly by: string;
  readonly signal?: AbortSignal | undefined;
}

/** Beside the database: what is in it lasts. */
export const bootsFolder = ({ state }: Pick<RepositoryAccess, 'state'>): string => join(dirname(state.path), 'boots');

/**
 * Starts a VM from a restore point. It runs when this returns, and outlives this process. Where it cannot be started, nothing of it stays.
 * @returns its id, and what to know of the choice of the restore point
 * @throws SendenseError `point.unknown`, `vm.identity`, `chain.damaged`, `repository.key`, `machine.unknown`, `disk.full`, `boot.failed`, `boot.busy`, `tool.missing`
 */
export async function startBoot(
  access: RepositoryAccess,
  request: BootRequest,
): Promise<{ readonly id: string; readonly remark: string | null }> {
  const parent = request.parent ?? bootsFolder(access);
  const network = await findNetwork(request.network, { signal: request.signal });
  await assertApart(access, request.repository, parent);
  await mkdir(parent, { recursive: true, mode: 0o700 });
  await assertRoom(parent, request);
  const signal = request.signal ?? new AbortController().signal;
  let row: BootRow | undefined;
  try {
    const { remark, unmarked } = await choosePoint(access, request, signal, (point) => {
      row = addNew(access, parent, point, request);
      return row;
    });
    if (!row) throw new SendenseError('run.internal', 'no restore point was chosen');
    const { id } = row;
    await make(access, knownBoot(access.state, id), { ...request, network, unmarked }, signal);
    await startGuest(access, knownBoot(access.state, id), signal);
    changeBoot(access.state, id, { state: 'up' });
    releaseBoot(access.state, id);
    return { id, remark };
  } catch (error) {
    // Only what this call has made: the VM of somebody else may have the id that was asked for.
    if (row) await removeBoot(access, row.id);
    throw error;
  }
}

/** @param add makes the row of the VM; from there nothing of the restore point is removed or merged */
async function choosePoint(
  access: RepositoryAccess,
  { repository, vm, choice, identity }: BootRequest,
  signal: AbortSignal,
  add: (point: RestorePoint) => BootRow,
): Promise<{ readonly remark: string | null; readonly unmarked: string | null }> {
  let row: BootRow | undefined;
  let unmarked: string | null = null;
  const { remark } = await selectPoint(
    access,
    { repository, vm: { name: vm, ...(identity === undefined ? {} : { identity }) }, point: choice, verify: false },
    signal,
    (point) => {
      row = add(point);
    },
    async () => {
      if (row) unmarked = await markUsed(access, row);
    },
  );
  return { remark, unmarked };
}

/** In the transaction in which nobody else adds one. @throws SendenseError `boot.busy` where the id that was asked for is taken */
function addNew(access: RepositoryAccess, parent: string, point: RestorePoint, request: BootRequest): BootRow {
  // Hubs may share the folder in which they make those of their VMs.
  const isTaken = (id: string): boolean => findBoot(access.state, id) !== undefined || existsSync(join(parent, id));
  if (request.id !== undefined && isTaken(request.id))
    throw new SendenseError('boot.busy', `there is a VM ${request.id} already`);
  let id = request.id ?? newId();
  while (isTaken(id)) id = newId();
  const row = newRow(id, join(parent, id), point, request);
  addBoot(access.state, row);
  return row;
}

const newId = (): string => `boot-${randomBytes(4).toString('hex')}`;

async function assertRoom(parent: string, { reserveBytes }: BootRequest): Promise<void> {
  const free = await freeBytes(parent);
  if (free > reserveBytes) return;
  throw new SendenseError(
    'disk.full',
    `${parent} has ${sizeText(free)} free, and ${sizeText(reserveBytes)} have to stay free while a VM writes there`,
    { remedy: 'Make room, name a folder on another disk with `--folder`, or lower `--reserve`.' },
  );
}

const newRow = (
  id: string,
  folder: string,
  { repository, vm, backup_id }: RestorePoint,
  { by }: BootRequest,
): BootRow => ({
  id,
  repository,
  context: vm.context,
  backup_id,
  state: 'starting',
  folder,
  place: thisPlace(),
  owner: JSON.stringify(thisProcess()),
  machine: undecided,
  move: null,
  wanted: 'off',
  paused: null,
  started: Date.now(),
  started_by: by,
});

type MadeRequest = BootRequest & {
  /** Why other hubs do not know of it; null: they do. */
  readonly unmarked: string | null;
};

/** Makes the folder of the VM and all that is in it. */
async function make(access: RepositoryAccess, row: BootRow, request: MadeRequest, signal: AbortSignal): Promise<void> {
  const point = pointOf(access, row);
  await mkdir(row.folder, { mode: 0o700 });
  const accel = chosenAccel(request.accel, bootsFolder(access), signal);
  // Nobody waits for it where something else goes wrong first.
  accel.catch(() => undefined);
  const booted = await describe(access, row, { point, request, accel, signal });
  changeBoot(access.state, row.id, { machine: JSON.stringify(booted) });
  const keys = await access.imageKeys(row.repository);
  const overlays = point.disks.map((disk) =>
    createOverlayOn(
      join(row.folder, overlayName(disk.number)),
      disk.capacity_bytes,
      { name: `nbd+unix:///?socket=${serverSocketName(disk.number)}`, format: 'raw' },
      { key: keys.of(disk), signal },
    ),
  );
  if (booted.machine.firmware === 'efi') await copyFile((await uefiFiles()).template, join(row.folder, variablesName));
  // All of them are waited for: where one fails, what the others start has to be there to be removed.
  await settleAll([...overlays, serveDisks(access, knownBoot(access.state, row.id), signal)]);
  // After a power cut, what the guest has flushed must have its name.
  await fsyncFolder(row.folder);
  await fsyncFolder(dirname(row.folder));
}

interface Described {
  readonly point: RestorePoint;
  readonly request: MadeRequest;
  readonly accel: Promise<BootMachine['accel']>;
  readonly signal: AbortSignal;
}

async function describe(
  access: RepositoryAccess,
  row: BootRow,
  { point, request, accel, signal }: Described,
): Promise<BootMachine> {
  const root = access.repositoryPath(row.repository);
  const keys = await access.imageKeys(row.repository);
  const isSaid = request.wanted.memoryBytes !== undefined && request.wanted.cpus !== undefined;
  const { config, problem } = await readUnlessSaid(savedConfigOf(root, point), async () => keys, isSaid);
  const known = machineOf({
    config,
    disks: point.disks,
    wanted: request.wanted,
    vmName: point.vm.name,
    firmwareByDisk:
      config === null && request.wanted.firmware === undefined ? await firmwareByDisk(root, point, row.folder) : 'bios',
  });
  const notes = [problem, request.unmarked].filter((note) => note !== null);
  const machine = { ...known, notes: [...notes, ...known.notes] };
  return {
    machine,
    accel: await accel,
    network: request.network,
    agent: request.agent ?? false,
    cards: cardsOf(machine, request.network, request.keepMac),
    uuid: (request.keepIdentity ? machine.biosUuid : null) ?? randomUUID(),
    disks: point.disks.map((disk) => ({
      number: disk.number,
      capacityBytes: disk.capacity_bytes,
      encrypted: keys.of(disk) !== null,
    })),
    reserveBytes: request.reserveBytes,
    quotaBytes: request.quotaBytes,
  };

  async function firmwareByDisk(of: string, { vm, disks, backup_id: id }: RestorePoint, folder: string) {
    const [first] = disks;
    if (!first) return 'bios';
    const image = await imageTarget(join(of, imagePath(vm.context, first.number, id)), { key: keys.of(first) });
    return needsUefi(await readImageStart(image, { bytes: gptBytes, folder, signal })) ? 'efi' : 'bios';
  }
}

function pointOf({ state }: RepositoryAccess, { repository, context, backup_id: backupId }: BootRow): RestorePoint {
  const point = findPoint(state, { repository, context, backupId });
  if (!point) throw new SendenseError('point.unknown', `restore point ${backupId} is not there any more`);
  return point;
}
