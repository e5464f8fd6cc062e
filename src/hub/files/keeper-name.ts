import { linkSync, lstatSync, readdirSync, renameSync, rmdirSync, rmSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { privatePlaces } from '../../host/programs/private-places.ts';
import { answers, keeperLog, keeperName } from './keeper-socket.ts';

/**
 * Gives the socket of a keeper the name under which others look for it, unless one that answers has it.
 * @param own path of the socket, on the same file system
 * @throws SendenseError `files.reader` where one that has it says nothing
 */
export async function takeName(own: string, name: string): Promise<boolean> {
  for (;;) {
    if (unless(['EEXIST'], () => linkSync(own, name))) return true;
    const there = identityOf(name);
    if (await answers(name)) return false;
    if (there !== null) removeDead(name, there);
  }
}

/** Removes the name of a keeper that ends. Another one may have it by now. */
export function giveUpName(own: string, name: string): void {
  const ours = identityOf(own);
  if (ours !== null && identityOf(name) === ours) rmSync(name, { force: true });
}

/** A keeper that starts has a log before it has a socket, for so long at most, ms. */
const startingMs = 120_000;

/** Removes sockets and logs that keepers of this user have left which were killed. */
export async function clearDeadKeepers(): Promise<void> {
  for (const place of privatePlaces(tmpdir())) {
    let removed = 0;
    for (const file of namesIn(place)) {
      const [, name] = keeperName.exec(file) ?? [];
      if (name === undefined) continue;
      const socket = join(place, `${name}.sock`);
      const there = identityOf(socket);
      if (there !== null && (await isListenedTo(socket))) continue;
      if (there !== null) removeDead(socket, there);
      if (isOld(keeperLog(socket))) rmSync(keeperLog(socket), { force: true });
      removed++;
    }
    // Others may remove it, too, or make something in it.
    if (removed > 0) unless(['ENOTEMPTY', 'EEXIST', 'ENOENT'], () => rmdirSync(place));
  }
}

const namesIn = (folder: string): string[] => readdirSync(folder).toSorted().toReversed();

/** Whether a process has the socket; it need not answer, for it may be stopped. */
const isListenedTo = (socket: string): Promise<boolean> =>
  new Promise((resolve) => {
    const connection = connect(socket);
    const settle = (is: boolean): void => {
      connection.destroy();
      resolve(is);
    };
    connection
      .once('connect', () => settle(true))
      .once('error', ({ code }: NodeJS.ErrnoException) => settle(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
  });

/** Removes a name that nobody serves. Somebody else may take it at any moment: then it is given back. */
function removeDead(name: string, dead: string): void {
  const aside = `${name}.${process.pid}`;
  if (!unless(['ENOENT'], () => renameSync(name, aside))) return;
  if (identityOf(aside) !== dead) unless(['EEXIST'], () => linkSync(aside, name));
  unlinkSync(aside);
}

function identityOf(path: string): string | null {
  const info = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return info ? `${info.dev}:${info.ino}:${info.birthtimeNs}` : null;
}

function isOld(path: string): boolean {
  const info = lstatSync(path, { throwIfNoEntry: false });
  return info !== undefined && Date.now() - info.mtimeMs > startingMs;
}

/** @returns false where it fails with one of these codes */
function unless(codes: readonly string[], act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (!codes.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return false;
  }
}
