import { join } from 'node:path';
import { createApi } from '../../api/create-api.ts';
import { defaultLimits } from '../../api/limits.ts';
import type { Api } from '../../api/route.ts';
import { makeRunFolder, ownFolderId, removeRunFolder } from '../../host/programs/run-folder.ts';
import { accountName } from '../../host/trust/accounts.ts';
import { filesClient, type ReachedFiles } from '../../files/client/files-client.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { Hub } from '../hub.ts';
import { keeperToken } from '../../files/client/wire.ts';
import { giveUpName, takeName } from './keeper-name.ts';
import { filesRoutes } from '../routes/files/index.ts';
import { listMounts } from '../routes/files/mounts.ts';
import { partsOfSelection } from '../routes/files/selection.ts';
import { placesOfFile } from '../routes/files/places.ts';
import type { AllFileSessions } from './file-sessions.ts';
import { filesTag, headBytes, type FilesParts } from '../routes/files/route.ts';

/** What a keeper answers: the routes about files, and nothing else of the hub. */
const keeperApi: Api<FilesParts> = {
  name: 'the keeper of files',
  title: 'Sendense files',
  summary: 'Files of restore points, for the command line of one user and for the API of the hub.',
  server: { url: 'http://localhost', description: 'A Unix socket of this user.' },
  token: 'Nobody else reaches the socket.',
  tags: filesTag,
  routes: [...filesRoutes, placesOfFile, partsOfSelection],
};

export interface ServedFiles extends AsyncDisposable {
  /** Socket that answers. */
  readonly socket: string;
  /** Resolves when nobody has asked for long enough, and nothing is open. */
  readonly idle: Promise<void>;
}

/** Nobody asks and nothing is open for so long, ms. */
const patienceMs = 15 * 60_000;
const lookMs = 5_000;

/** A request for what is open only asks whether somebody answers. */
const isWork = (route: string): boolean => route !== listMounts.path;

/**
 * Serves files of restore points on a Unix socket.
 * @param name path of the socket, in a folder of this user alone; null: one that only the caller knows
 * @param caller who it is that asks, for the record of what was read
 * @returns null where another process serves under that name
 */
export async function serveFiles(
  hub: Pick<Hub, 'files'> & Partial<Pick<Hub, 'recover'>>,
  name: string | null,
  caller: string = ownName(),
): Promise<ServedFiles | null> {
  // What a keeper that died says of its sessions is no longer true.
  await hub.recover?.({ filesOnly: true });
  const id = ownFolderId('files');
  const folder = await makeRunFolder(id);
  await using stack = new AsyncDisposableStack();
  stack.defer(() => removeRunFolder(id));
  const files = stack.use(await hub.files(folder));
  let last = performance.now();
  const touch = (): void => void (last = performance.now());
  const api = await createApi(keeperApi, {
    parts: { files, owner: caller },
    token: keeperToken,
    limits: { ...defaultLimits, bodyMs: 30_000, headerBytes: headBytes },
    figures: { request: ({ route }) => isWork(route) && touch(), error: () => {} },
    head: true,
  });
  stack.defer(() => api.close());
  const own = join(folder, 'api.sock');
  await api.listen({ path: own });
  if (name !== null) {
    if (!(await takeName(own, name))) return null;
    stack.defer(() => giveUpName(own, name));
  }
  const idle = Promise.withResolvers<void>();
  const timer = setInterval(() => {
    endLost(files);
    if (files.count > 0) touch();
    else if (performance.now() - last > patienceMs) {
      idle.resolve();
      // One that stays keeps no reader waiting.
      void files.rest();
    }
  }, lookMs);
  stack.defer(() => clearInterval(timer));
  const owned = stack.move();
  return { socket: own, idle: idle.promise, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** A database that is busy is asked at the next look. */
function endLost(files: AllFileSessions): void {
  try {
    files.endLost();
  } catch {
    // See above.
  }
}

/** Serves files to this process alone. */
export async function serveToSelf(hub: Parameters<typeof serveFiles>[0], caller?: string): Promise<ReachedFiles> {
  const served = await serveFiles(hub, null, caller);
  if (!served) throw new SendenseError('run.internal', 'files are served under no name');
  const { socket } = served;
  return { client: filesClient(socket), socket, [Symbol.asyncDispose]: () => served[Symbol.asyncDispose]() };
}

/** Only this user reaches the socket. */
function ownName(): string {
  const uid = process.getuid?.() ?? 0;
  return accountName('/etc/passwd', uid) ?? `uid ${uid}`;
}
