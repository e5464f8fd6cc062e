import { answeringSockets, type KeeperOf } from '../../hub/files/keeper-socket.ts';
import { reachKeeper } from '../../hub/files/reach-keeper.ts';
import { version } from '../../schemas/package.ts';
import type { CommandContext } from '../command.ts';
import { ownProgram } from '../own-program.ts';
import { filesClient, type FilesClient, type ReachedFiles } from '../../files/client/files-client.ts';

/**
 * Reaches the process that keeps restore points open between commands, so that the second command is quick; starts it where there is
 * none. A rescue has its own for as long as the command takes.
 * @throws SendenseError `settings.missing`, `settings.invalid`, `files.reader`, `files.unavailable`
 */
export async function reachFiles(context: CommandContext): Promise<ReachedFiles> {
  if (context.remoteFiles) return { client: context.remoteFiles, socket: '', [Symbol.asyncDispose]: async () => {} };
  if (context.rescued !== undefined) return ownFiles(context);
  return reachedAt(await reachKeeper({ ...(await keeperOf(context)), program: ownProgram() }));
}

/** All processes that keep restore points open for this user; nothing is started. A change of the settings starts a new one. */
export async function reachOpenFiles(context: CommandContext): Promise<FilesClient[]> {
  if (context.remoteFiles) return [context.remoteFiles];
  if (context.rescued !== undefined) return [];
  return (await answeringSockets(await keeperOf(context))).map(filesClient);
}

/** Whoever serves there goes on. */
const reachedAt = (socket: string): ReachedFiles => ({
  client: filesClient(socket),
  socket,
  [Symbol.asyncDispose]: async () => {},
});

async function keeperOf(context: CommandContext): Promise<KeeperOf> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  return { settingsFile: hub.settingsFile, settings: hub.settings, version };
}

async function ownFiles(context: CommandContext): Promise<ReachedFiles> {
  const { serveToSelf } = await import('../../hub/files/serve-files.ts');
  await using stack = new AsyncDisposableStack();
  const hub = stack.use(await context.openHub({ startFolder: process.cwd() }));
  const { client, socket } = stack.use(await serveToSelf(hub));
  const owned = stack.move();
  return { client, socket, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
