import { rmSync } from 'node:fs';
import { keeperLog, keeperSocket } from '../../hub/files/keeper-socket.ts';
import { serveFiles } from '../../hub/files/serve-files.ts';
import { installSignals } from '../../engine/install-signals.ts';
import { version } from '../../schemas/package.ts';
import type { CommandContext } from '../command.ts';

/** Keeps restore points open for the commands of this user, until nobody has asked for long enough. */
export async function action(context: CommandContext): Promise<number> {
  using signals = installSignals();
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const socket = keeperSocket(hub.settingsFile, version);
  await using served = await serveFiles(hub, socket);
  // Another one was quicker.
  if (!served) return 0;
  using _log = { [Symbol.dispose]: () => rmSync(keeperLog(socket), { force: true }) };
  const stopped = new Promise<void>((resolve) =>
    signals.gently.addEventListener('abort', () => resolve(), { once: true }),
  );
  await Promise.race([served.idle, stopped]);
  return 0;
}
