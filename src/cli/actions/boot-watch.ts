import { installSignals } from '../../engine/install-signals.ts';
import { openHubLog } from '../../hub/hub-log.ts';
import type { CommandContext } from '../command.ts';
import { keepMemorySmall } from '../small-memory.ts';

/** Looks after the VMs that run from restore points, until there are none. */
export async function action(context: CommandContext): Promise<number> {
  keepMemorySmall();
  using signals = installSignals();
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const log = openHubLog('info', 'sendense-run boot watch');
  const boots = await hub.boots();
  await boots.watch(signals.gently, (boot, message) => log.warn({ boot }, message));
  return 0;
}
