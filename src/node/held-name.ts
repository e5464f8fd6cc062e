import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { link, readdir, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { socketPath } from '../host/files/socket-path.ts';
import type { HeldPlace } from './held-places.ts';

/**
 * A name that one process at a time can hold: a socket in a folder of this user alone, so that nobody else can take it. It is free the
 * moment its owner ends, however that ends: nothing answers at its socket then. `null`: another holds it.
 *
 * Who wants the name listens at a socket of its own first and then looks for others, so that of two at least one sees the other. Who
 * sees nobody gives its socket a second name, which ends in `.held`; of those without one the first by name waits until the others went back.
 */
export async function tryToHold(name: string, place: HeldPlace): Promise<AsyncDisposable | null> {
  const begun = performance.now();
  while (performance.now() - begun < patienceMs && !(await isHeld(name, place))) {
    const claim = await announce(name, place);
    if (await isAlone(claim.path, name, place).catch(claim.failed)) return claim;
    await claim[Symbol.asyncDispose]();
    await delay(Math.random() * 20);
  }
  return null;
}

/** After how long one that wants the name and does not go on (it may be stopped) counts as one that has it. */
const patienceMs = 10_000;

/** Makes a claim the owner where nobody else claims the name. */
async function isAlone(own: string, name: string, place: HeldPlace): Promise<boolean> {
  const begun = performance.now();
  while (performance.now() - begun < patienceMs) {
    const others = await claimants(name, place, own);
    if (others.length === 0) return confirm(own);
    if (others.some((path) => isOwner(path) || basename(path) < basename(own))) return false;
    await delay(2);
  }
  return false;
}

/** Whether some process holds the name. */
export const isHeld = async (name: string, place: HeldPlace): Promise<boolean> =>
  (await claimants(name, place)).some(isOwner);

/** Resolves when an owner of one of the names ends or gives it back (the connection to it closes then), or on abort. */
export async function untilOneIsFree(
  names: readonly string[],
  place: HeldPlace,
  signal: AbortSignal | undefined,
): Promise<void> {
  const owners = await Promise.all(names.map(async (name) => (await claimants(name, place)).find(isOwner)));
  const { promise, resolve } = Promise.withResolvers<void>();
  const sockets = owners.flatMap((path) => {
    if (path === undefined) resolve();
    return path === undefined ? [] : [connect(socketPath(path)).on('close', resolve).on('error', resolve).resume()];
  });
  const onAbort = (): void => resolve();
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) resolve();
  await promise;
  signal?.removeEventListener('abort', onAbort);
  for (const socket of sockets) socket.destroy();
}

const ownerSuffix = '.held';
const isOwner = (path: string): boolean => path.endsWith(ownerSuffix);

interface Claim extends AsyncDisposable {
  readonly path: string;
  /** Takes the claim back and throws. */
  readonly failed: (error: unknown) => Promise<never>;
}

/** Listens at a socket with a name that nothing else has. */
async function announce(name: string, place: HeldPlace): Promise<Claim> {
  const waiting = new Set<Socket>();
  const server = createServer((socket) => {
    waiting.add(socket);
    socket
      .on('error', () => {})
      .on('close', () => waiting.delete(socket))
      .resume()
      .unref();
  });
  const { folder, path } = await listenIn(server, name, place);
  // It must not keep a process alive that has nothing else to do.
  server.unref();
  const dispose = async (): Promise<void> => {
    await rm(`${path}${ownerSuffix}`, { force: true });
    await rm(path, { force: true });
    const closed = once(server, 'close');
    server.close();
    // Those who wait see the end of their connection, and by then the name is free.
    for (const socket of waiting) socket.destroy();
    await closed;
    await place.leave(folder);
  };
  return {
    path,
    failed: async (error) => {
      await dispose();
      throw error;
    },
    [Symbol.asyncDispose]: dispose,
  };
}

async function listenIn(
  server: ReturnType<typeof createServer>,
  name: string,
  place: HeldPlace,
): Promise<{ folder: string; path: string }> {
  for (;;) {
    const folder = await place.make();
    const path = join(folder, `${name}.${randomBytes(8).toString('hex')}`);
    try {
      server.listen(socketPath(path));
      await once(server, 'listening');
      return { folder, path };
    } catch (error) {
      // Another that ends may have removed the folder, as it was empty.
      if (existsSync(folder)) throw error;
    }
  }
}

/** False: another took the socket for that of a dead process and removed it, as it was not listened at for a moment. */
const confirm = (path: string): Promise<boolean> =>
  link(path, `${path}${ownerSuffix}`).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );

/** Sockets of live processes that hold the name or want it, without one's own. What dead ones left is removed. */
async function claimants(name: string, place: HeldPlace, own?: string): Promise<string[]> {
  const found = new Set<string>();
  // A name that appears while the folder is read may be missed, but not by both.
  for (const _look of ['first', 'second'])
    for (const folder of place.folders())
      for (const entry of await entriesOf(folder)) if (entry.startsWith(`${name}.`)) found.add(join(folder, entry));
  const others = [...found].filter((path) => path !== own);
  const live = await Promise.all(others.map(answers));
  return others.filter((_, index) => live[index]);
}

/** A folder that cannot be read is not empty. */
const entriesOf = (folder: string): Promise<string[]> =>
  readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });

async function answers(path: string): Promise<boolean> {
  let socket: Socket | undefined;
  try {
    socket = connect(socketPath(path));
    await once(socket, 'connect');
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ECONNREFUSED') await rm(path, { force: true });
    // A full queue belongs to somebody.
    return !['ENOENT', 'ECONNREFUSED', 'ENOTSOCK', 'ENOTDIR'].includes(code ?? '');
  } finally {
    socket?.destroy();
  }
}
