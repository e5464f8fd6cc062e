import { existsSync, rmSync } from 'node:fs';
import { askKeeper } from '../../files/client/ask-keeper.ts';
import { keeperLog, socketToServe } from '../../hub/files/keeper-socket.ts';
import { serveFiles } from '../../hub/files/serve-files.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { installSignals } from '../../engine/install-signals.ts';
import { announceService } from '../../host/system/sd-notify.ts';
import { openHubLog } from '../../hub/hub-log.ts';
import { version } from '../../schemas/package.ts';
import type { CommandContext } from '../command.ts';
import { keepMemorySmall } from '../small-memory.ts';

/** Who saves a file anew may take it away for a moment. */
const looks = { everyMs: 5000, missing: 3 };

/** Resolves when a file has not been there for a while: what it is about has been removed. */
function whenGone(file: string): Disposable & { readonly promise: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let missing = 0;
  const timer = setInterval(() => {
    missing = existsSync(file) ? 0 : missing + 1;
    if (missing === looks.missing) resolve();
  }, looks.everyMs);
  return { promise, [Symbol.dispose]: () => clearInterval(timer) };
}

/** Keeps restore points open for the commands of this user and for the hub's API: as a service, or until nobody has asked for long enough. */
export async function action(context: CommandContext): Promise<number> {
  keepMemorySmall();
  const { service = false, socket: told } = context.options as { readonly service?: boolean; readonly socket?: string };
  using signals = installSignals();
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const { settingsFile, settings } = hub;
  const socket = told ?? socketToServe({ settingsFile, settings, version });
  await using served = await serveFiles(hub, socket);
  if (!served && service) throw new SendenseError('files.reader', `another process answers at ${socket}`);
  // Another one was quicker.
  if (!served) return 0;
  const stopped = new Promise<void>((resolve) =>
    signals.gently.addEventListener('abort', () => resolve(), { once: true }),
  );
  if (service) {
    await using _service = await announceService({
      status: `files of restore points, at ${socket}`,
      alive: async (signal) => void (await askKeeper(socket, '/api/v1/restore/mounts', { signal })).resume(),
      log: (level, message) => openHubLog('info')[level](message),
    });
    await stopped;
    return 0;
  }
  using _log = { [Symbol.dispose]: () => rmSync(keeperLog(socket), { force: true }) };
  using settingsGone = whenGone(settingsFile);
  await Promise.race([served.idle, stopped, settingsGone.promise]);
  return 0;
}
