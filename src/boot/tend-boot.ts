import { appendFile, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { freeBytes } from '../host/files/files.ts';
import { consoleRings } from '../host/images/qemu-system.ts';
import { stopServersIn } from '../host/programs/stop-servers-in.ts';
import { sizeText } from '../repository/stored-files/size.ts';
import type { RepositoryAccess } from '../restore-points/repository-access.ts';
import { changeBoot, findBoot, type BootRow } from '../state/boots/boots.ts';
import { firmwareLog, serialLog } from './boot-files.ts';
import { advanceMove, leaveChain } from './advance-move.ts';
import { bootMachineOf } from './boot-machine.ts';
import { moveOf } from './boot-move.ts';
import { writtenBytes } from './boot-state.ts';
import { placeOf, withBoot } from './claim.ts';
import { diskFiles } from './disk-files.ts';
import { serveDisks, unserved } from './disk-servers.ts';
import { goOn } from './go-on.ts';
import { atMonitor, guestProcess, runState, type Ask } from './monitor.ts';
import { isMoving } from './move-journal.ts';
import { isWorkedOn, settleBoot } from './settle-boot.ts';

/**
 * Looks after a VM: restarts what serves its disks, pauses its guest before a disk is full, lets it go on afterwards, keeps what it says.
 * @returns whether there is anything to look after
 */
export async function tendBoot(access: RepositoryAccess, row: BootRow): Promise<boolean> {
  if (placeOf(row) !== 'here') return false;
  if (isWorkedOn(row)) return true;
  await settleBoot(access, row);
  if (row.state === 'starting' || row.state === 'stopping' || row.wanted === 'off') return false;
  if ((await guestProcess(row.folder)) === null) {
    await settleOff(access, row);
    return false;
  }
  try {
    await tendGuest(access, row);
  } catch (error) {
    // Whoever ended it meanwhile has ended the conversation with it.
    if (await goesOn(access, row)) throw error;
  }
  return true;
}

async function tendGuest(access: RepositoryAccess, row: BootRow): Promise<void> {
  const trouble = await repair(access, row).catch((error: unknown) => error);
  // Whatever is wrong with its chain or its move: the disk that it writes to must not become full.
  const why = await lackOf(row);
  await atMonitor(row.folder, async (ask) => {
    // Somebody may have claimed it since, and paused it for what he does.
    const now = findBoot(access.state, row.id);
    if (!now || isWorkedOn(now)) return;
    await keepConsole(ask, row.folder);
    await pauseOrGoOn(access, { row, why, ask });
  });
  if (trouble !== undefined) throw trouble;
}

/** Whether it still is to run, and does. */
async function goesOn({ state }: RepositoryAccess, { id, folder }: BootRow): Promise<boolean> {
  const now = findBoot(state, id);
  return now !== undefined && now.wanted === 'on' && (await guestProcess(folder)) !== null;
}

/** Brings back what serves its chains, and its move forward. */
async function repair(access: RepositoryAccess, row: BootRow): Promise<void> {
  const { state } = access;
  if ((await unserved(row)).length > 0)
    await withBoot(state, row.id, (now) => (now.wanted === 'on' ? serveDisks(access, now) : Promise.resolve()), {
      waitMs: 0,
    });
  if (row.state === 'moved') await leaveChain(row);
  else if (moveOf(row) !== null || isMoving(row))
    await withBoot(state, row.id, (now) => advanceMove(access, now), { waitMs: 0 });
}

/** The guest has ended. */
const settleOff = ({ state }: RepositoryAccess, { id, folder }: BootRow): Promise<void> =>
  withBoot(
    state,
    id,
    async ({ wanted }) => {
      if (wanted === 'off' || (await guestProcess(folder)) !== null) return;
      changeBoot(state, id, { wanted: 'off', paused: null });
      await stopServersIn(folder);
    },
    { waitMs: 0 },
  );

/** Why the guest may write no more; null: it may. The words stay the same as long as the reason does: by them a pause of ours is known again. */
async function lackOf(row: BootRow): Promise<string | null> {
  const { disks, reserveBytes, quotaBytes } = bootMachineOf(row);
  const files = disks.flatMap((disk) => diskFiles(row, disk).layers.map(({ file }) => file));
  for (const folder of new Set(files.map((file) => dirname(file))))
    if ((await freeBytes(folder)) < reserveBytes) return `${folder} has less than ${sizeText(reserveBytes)} free`;
  // What moves into its place becomes as large as the disks are.
  if (quotaBytes === null || moveOf(row) !== null) return null;
  const sizes = await Promise.all(files.map(writtenBytes));
  return sizes.reduce((sum, bytes) => sum + bytes, 0) < quotaBytes
    ? null
    : `its disks have grown to its quota of ${sizeText(quotaBytes)}`;
}

interface Tended {
  readonly row: BootRow;
  readonly why: string | null;
  readonly ask: Ask;
}

/** What somebody else paused stays paused. */
async function pauseOrGoOn({ state }: RepositoryAccess, { row, why, ask }: Tended): Promise<void> {
  const paused = findBoot(state, row.id)?.paused ?? null;
  const asked = await runState(ask);
  if (why !== null) {
    if (paused !== why) changeBoot(state, row.id, { paused: why });
    // Also where it was let go on meanwhile, to shut down for example.
    if (asked === 'running') await ask('stop');
    return;
  }
  if (asked === 'io-error') {
    if (await goOn(ask, row)) changeBoot(state, row.id, { paused: null });
  } else if (paused !== null) {
    await ask('cont');
    changeBoot(state, row.id, { paused: null });
  }
}

/** So much is kept twice: what the guest says now, and before. */
const mostLog = 4 * 2 ** 20;

async function keepConsole(ask: Ask, folder: string): Promise<void> {
  for (const [device, file] of [
    ['serial', serialLog(folder)],
    ['firmware', firmwareLog(folder)],
  ] as const) {
    const said = await ask('ringbuf-read', { device, size: consoleRings[device] });
    if (typeof said !== 'string' || said === '') continue;
    const { size } = await stat(file).catch(() => ({ size: 0 }));
    if (size > mostLog) await rename(file, `${file}.1`);
    await appendFile(file, said, { mode: 0o600 });
  }
}
