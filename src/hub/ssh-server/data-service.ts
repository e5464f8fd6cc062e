import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Socket } from 'node:net';
import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { isLockedAccount } from '../../host/system/locked-account.ts';
import { makeRunFolder, ownFolderId, removeRunFolder } from '../../host/programs/run-folder.ts';
import { findSshd, serveBySshd, type SshdEvents, type SshdProcess } from '../../host/ssh/sshd-process.ts';
import type { HubPlaces } from '../nodes/hub-places.ts';
import { openTickets, type Tickets } from './data-tickets.ts';
import { authorizedKeyOf, sshdConfigOf } from './sshd-files.ts';

/** Hands connections for data to OpenSSH's sshd, which moves them at twice the speed of JavaScript. */
export interface DataService extends AsyncDisposable {
  /** As whom nodes log in to it; null where there is no such service. */
  readonly user: string | null;
  /** Why there is none. */
  readonly unavailable: string | null;
  readonly tickets: Tickets;
  /** An sshd for one connection: the holder of the key reaches these targets, ADDRESS:PORT. */
  serve(
    socket: Socket,
    login: { readonly publicKey: string; readonly targets: readonly string[] },
    events: SshdEvents,
  ): SshdProcess;
  /** Tells what the connections have carried until now, or a moment ago. Never rejects, and takes a second at most. */
  count(): Promise<void>;
}

/** ms in which nobody looks again. */
const countedMs = 2000;

/** Looks whether sshd can be had, and makes the private folder for what it reads. Never fails: data can go without. */
export async function openDataService({
  data,
  hostKeyFile,
}: Pick<HubPlaces, 'data' | 'hostKeyFile'>): Promise<DataService> {
  const sshd = findSshd();
  const user = userName();
  const isRoot = process.geteuid?.() === 0;
  const id = ownFolderId('hub');
  let folder: string | null = null;
  let unavailable: string | null;
  try {
    unavailable = data === 'builtin' ? '`hub: data` is builtin' : whyNot(sshd, user, isRoot);
    // sshd insists on this folder where it starts as root; services of the system make it too.
    if (unavailable === null && isRoot && mkdirSync('/run/sshd', { recursive: true })) chmodSync('/run/sshd', 0o755);
    if (unavailable === null) folder = await makeRunFolder(id);
  } catch (error) {
    unavailable = toSendenseError(error).message;
  }
  const running = new Set<SshdProcess>();
  let counting: { readonly at: number; readonly done: Promise<unknown> } | null = null;
  let count = 0;
  return {
    user: unavailable === null ? user : null,
    unavailable,
    tickets: openTickets(),
    serve: (socket, { publicKey, targets }, events) => {
      if (sshd === null || user === null || folder === null)
        throw new SendenseError('run.internal', 'there is no sshd');
      const at = join(folder, String(++count));
      const login = { user, isRoot, hostKeyFile, publicKey, targets, authorizedKeysFile: `${at}.keys` };
      writeFileSync(login.authorizedKeysFile, authorizedKeyOf(login), { mode: 0o600 });
      writeFileSync(`${at}.conf`, sshdConfigOf(login), { mode: 0o600 });
      const onEnd = (): void => {
        running.delete(served);
        for (const end of ['conf', 'keys']) rmSync(`${at}.${end}`, { force: true });
        events.onEnd();
      };
      const served = serveBySshd({ sshd, configFile: `${at}.conf` }, socket, { ...events, onEnd });
      running.add(served);
      return served;
    },
    count: async () => {
      if (counting === null || performance.now() - counting.at > countedMs)
        counting = { at: performance.now(), done: Promise.all([...running].map((served) => served.count())) };
      await counting.done;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...running].map((served) => served[Symbol.asyncDispose]()));
      if (folder !== null) await removeRunFolder(id);
    },
  };
}

function whyNot(sshd: string | null, user: string | null, isRoot: boolean): string | null {
  if (sshd === null) return 'sshd is not installed (Debian package openssh-server)';
  if (user === null) return `user ${process.geteuid?.()} has no name`;
  if (isRoot && isLockedAccount(user) === true) return 'the account of root is locked, and sshd lets in no such user';
  return null;
}

function userName(): string | null {
  try {
    return userInfo().username;
  } catch {
    return null;
  }
}
