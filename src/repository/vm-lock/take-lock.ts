import { randomUUID } from 'node:crypto';
import { constants, readFileSync } from 'node:fs';
import { chown, link, lstat, mkdir, open, readdir, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { isNoSpace } from '../../errors/no-space.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { fsyncFolder, writeNewFile } from '../../host/files/files.ts';
import { isRunning, thisPlace, thisProcess } from '../../host/programs/process-identity.ts';
import { assertOwnFolder } from '../own-folder.ts';
import { fenceOf, lockFormat, readRecord, recordName, workPattern, type LockRecord } from './lock-record.ts';
import type { VmHold } from './vm-hold.ts';

export interface LockRequest {
  /** Of the repository, absolute. */
  readonly root: string;
  readonly context: string;
  /** Of the repository, relative: where this VM's locks of the kind are. */
  readonly locks: string;
  /** Id of the hub's state database. */
  readonly hub: string;
  readonly run: string;
}

export interface LockOwner {
  readonly record: LockRecord;
  /** How long it has given no sign of life, ms; null where its process can be seen: that one lives. */
  readonly silentMs: number | null;
}

export type TakenLock =
  | { readonly taken: true; readonly hold: VmHold; readonly overtaken: readonly Overtaken[] }
  | { readonly taken: false; readonly owner: LockOwner };

/** A holder that had not given the lock back. */
export interface Overtaken {
  readonly record: LockRecord;
  /** `dead`: its process is gone. `silent`: nobody can know; it may wake up, and finds that it has lost the lock. */
  readonly why: 'dead' | 'silent';
}

/** A holder gives signs of life so often, ms; and so long one that gives none is waited for where its process cannot be seen. */
export const signEveryMs = 30_000;
export const silentAfterMs = 5 * 60_000;

/** The file in a holder's folder whose time says when it gave the last sign of life. */
export const signName = 'alive';

/** Records of earlier holders that stay, for people. */
const keptRecords = 8;

const mostTries = 50;

/**
 * Takes the lock of a VM, if nobody has it or who has it is dead. In this order, each step atomic on a local disk and on NFS alike (no
 * flock, no O_EXCL that a client could repeat unseen):
 *
 * 1. makes a folder of its own, before it looks at anything;
 * 2. reads the record with the highest number. Its holder has the lock while the holder's folder exists. A holder that is dead or silent is
 *    overtaken: its folder goes, with all that is in it;
 * 3. gives its own record the next number, by link(2): of several who try, one gets it;
 * 4. looks again: a higher number, or no folder of its own any more, means that it was too slow, and it begins anew.
 *
 * From 3 on the numbers grow, and whoever had a lower one has no folder: nothing that must go through it can be done any more.
 *
 * @throws SendenseError `repository.unusable` where nothing can be written, or a folder cannot be removed
 */
export async function takeLock(request: LockRequest): Promise<TakenLock> {
  const folder = join(request.root, request.locks);
  const overtaken: Overtaken[] = [];
  let cutOff: unknown;
  try {
    await assertOwnFolder(request.root, request.locks);
    await makeFolders(request.root, request.locks);
    for (let tries = 0; tries < mostTries; tries++) {
      const work = join(folder, `work-${randomUUID()}`);
      await makeFolder(work, await stat(request.root));
      const got = await tryOnce(request, folder, work, overtaken).catch(async (error: unknown) => {
        // Somebody took this attempt for one that died on its way, and removes what is in its folder, or has done so: it begins anew.
        if (isGone(error)) {
          cutOff = error;
          return null;
        }
        await removeWork(work).catch(() => undefined);
        throw error;
      });
      if (got !== null && got.taken) return got;
      await removeWork(work);
      if (got !== null) return got;
    }
  } catch (error) {
    throw unusable(request, error);
  }
  if (cutOff !== undefined) throw unusable(request, cutOff);
  throw new SendenseError('run.locked', `others took the lock of VM ${request.context} again and again`);
}

function unusable({ context, locks }: LockRequest, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof SendenseError || code === undefined) return error;
  if (isNoSpace(code) || code === 'EIO') return error;
  return new SendenseError('repository.unusable', `the lock of VM ${context} in ${locks} cannot be taken (${code})`, {
    cause: error,
  });
}

/** Null: begin anew. */
async function tryOnce(
  request: LockRequest,
  folder: string,
  work: string,
  overtaken: Overtaken[],
): Promise<TakenLock | null> {
  const sign = join(work, signName);
  await writeFile(sign, '0');
  const highest = await highestFence(folder);
  if (highest > 0) {
    const path = join(folder, recordName(highest));
    const record = await readRecord(path);
    // It was tidied away, so there is a higher one.
    if (record === null) return null;
    if (record === 'foreign') await assertNobody(request, folder, work, path);
    const before = record === 'foreign' ? null : join(folder, record.work);
    if (record !== 'foreign' && before !== null && (await isThere(before))) {
      const state = await stateOf(record, before, () => modified(sign), request.hub);
      if (state.alive) return { taken: false, owner: { record, silentMs: state.silentMs } };
      await removeWork(before);
      overtaken.push({ record, why: state.why });
    }
  }
  const fence = highest + 1;
  if (!(await giveNumber(request, folder, work, fence))) return null;
  // A reader that was given an old listing has taken a number that was used before, or somebody took it for dead: it has nothing.
  if ((await highestFence(folder)) !== fence || !(await isThere(sign))) return null;
  await tidy(folder, fence, work, sign);
  return { taken: true, hold: { root: request.root, context: request.context, fence, folder: work }, overtaken };
}

/**
 * Who has the lock of a VM and may live, for people: told without taking it, and on another host by our own clock. Null: nobody.
 * @param locks as of {@link LockRequest}
 */
export async function livingHolder(root: string, locks: string, hub: string): Promise<LockRecord | null> {
  const folder = join(root, locks);
  const highest = await highestFence(folder).catch(() => 0);
  const record = highest === 0 ? null : await readRecord(join(folder, recordName(highest)));
  if (record === null || record === 'foreign') return null;
  const work = join(folder, record.work);
  if (!(await isThere(work))) return null;
  const { alive } = await stateOf(record, work, async () => Date.now(), hub);
  return alive ? record : null;
}

/** Of a record that cannot be understood nobody knows whose folder is whose: any but our own may be the holder's. */
async function assertNobody({ context }: LockRequest, folder: string, own: string, record: string): Promise<void> {
  const other = (await readdir(folder)).find((name) => workPattern.test(name) && join(folder, name) !== own);
  if (other === undefined) return;
  throw new SendenseError(
    'repository.damaged',
    `${record}, which says who works on VM ${context}, is damaged or of a newer version`,
    { remedy: `If you know that no hub works on this VM, remove ${join(folder, other)}.` },
  );
}

async function giveNumber(request: LockRequest, folder: string, work: string, fence: number): Promise<boolean> {
  const record: LockRecord = {
    format: lockFormat,
    fence,
    work: work.slice(folder.length + 1),
    hub: request.hub,
    host: hostname(),
    machine: machineId(),
    place: thisPlace(),
    process: thisProcess(),
    run: request.run,
    taken: new Date().toISOString(),
    silent_after_ms: silentAfterMs,
  };
  const temporary = join(work, 'record');
  await writeNewFile(temporary, `${JSON.stringify(record, null, 2)}\n`);
  const path = join(folder, recordName(fence));
  const won = await named(temporary, path);
  await rm(temporary, { force: true });
  if (won) await fsyncFolder(folder);
  return won;
}

/** By link(2), which fails where the name is taken; a repeated call over NFS that succeeded the first time counts as won. */
async function named(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') {
      const [own, there] = await Promise.all([lstat(temporary), lstat(path).catch(() => null)]);
      return own.ino === there?.ino && own.dev === there.dev;
    }
    if (!['EPERM', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code)) throw error;
  }
  // A file system without hard links (a share of Windows, for one): O_EXCL decides, and the content follows at once.
  try {
    await using handle = await open(path, 'wx', 0o644);
    await handle.writeFile(await (await import('node:fs/promises')).readFile(temporary));
    await handle.sync();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

type HolderState =
  | { readonly alive: true; readonly silentMs: number | null }
  | { readonly alive: false; readonly why: 'dead' | 'silent' };

/** Times are compared as the server gave them: that of the holder's sign of life with that of our own, made just now. */
async function stateOf(
  record: LockRecord,
  work: string,
  clock: () => Promise<number | null>,
  hub: string,
): Promise<HolderState> {
  if (record.place === thisPlace())
    return isRunning(record.process) ? { alive: true, silentMs: null } : { alive: false, why: 'dead' };
  const rebooted =
    record.hub === hub &&
    record.machine !== null &&
    record.machine === machineId() &&
    record.process.boot_id !== thisProcess().boot_id;
  if (rebooted) return { alive: false, why: 'dead' };
  const last = (await modified(join(work, signName))) ?? (await modified(work));
  const now = await clock();
  if (last === null || now === null) return { alive: true, silentMs: 0 };
  const silentMs = now - last;
  return silentMs > record.silent_after_ms ? { alive: false, why: 'silent' } : { alive: true, silentMs };
}

/** Opened, and not only looked at: a client of NFS asks the server then. No link is followed, and nobody waits for a pipe. */
async function modified(path: string): Promise<number | null> {
  try {
    await using handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    return (await handle.stat()).mtimeMs;
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}

const isGone = (error: unknown): boolean =>
  ['ENOENT', 'ESTALE', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');

const isThere = async (path: string): Promise<boolean> => (await modified(path)) !== null;

let machine: string | null | undefined;

function machineId(): string | null {
  if (machine !== undefined) return machine;
  try {
    machine = readFileSync('/etc/machine-id', 'utf8').trim() || null;
  } catch {
    machine = null;
  }
  return machine;
}

async function highestFence(folder: string): Promise<number> {
  const fences = (await readdir(folder)).flatMap((name) => fenceOf(name) ?? []);
  return Math.max(0, ...fences);
}

/**
 * Removes a holder's folder. Once this returns, nothing can be done through it, also by whoever still has a handle of it.
 * @throws SendenseError `repository.unusable` where it does not go
 */
export async function removeWork(work: string): Promise<void> {
  for (let tries = 0; tries < mostTries; tries++) {
    try {
      for (const name of await readdir(work)) await rm(join(work, name), { force: true });
      await rmdir(work);
      return;
    } catch (error) {
      if (isGone(error)) return;
      // Its owner is just putting something into it.
      if (!['ENOTEMPTY', 'EEXIST', 'EBUSY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  throw new SendenseError('repository.unusable', `the folder ${work} of a lock cannot be removed`, {
    remedy: 'Find the program that has files in it open, then remove the folder by hand.',
  });
}

/** What holders that died on their way have left: folders that no record names, silent for longer than any attempt takes. */
async function tidy(folder: string, fence: number, own: string, sign: string): Promise<void> {
  const now = (await modified(sign)) ?? 0;
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const number = fenceOf(name);
    if (number !== null && number <= fence - keptRecords) await rm(path, { force: true });
    if (!workPattern.test(name) || path === own) continue;
    const last = (await modified(join(path, signName))) ?? (await modified(path)) ?? now;
    if (now - last > silentAfterMs) await removeWork(path);
  }
}

/** As the repository: what root makes belongs to who else works here. */
async function makeFolders(root: string, locks: string): Promise<void> {
  const owner = await stat(root);
  const missing: string[] = [];
  for (let path = locks; path !== '.' && !(await isThere(join(root, path))); path = dirname(path))
    missing.unshift(path);
  for (const path of missing) {
    await makeFolder(join(root, path), owner).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

async function makeFolder(path: string, { uid, gid }: { readonly uid: number; readonly gid: number }): Promise<void> {
  await mkdir(path, 0o700);
  if (process.getuid?.() === 0 && uid !== 0) await chown(path, uid, gid);
}
