import { once } from 'node:events';
import { installSignals } from '../../engine/install-signals.ts';
import { announceService } from '../../host/system/sd-notify.ts';
import { openHubLog, type LogLevel } from '../../hub/hub-log.ts';
import type { CommandContext } from '../command.ts';
import { ownProgram } from '../own-program.ts';
import { keepMemorySmall } from '../small-memory.ts';

export async function action(context: CommandContext): Promise<number> {
  // What nodes send goes through buffers that live for a moment, and so do answers to pages: freed soon, 101 forwards take 80 MB less
  // (docs/performance.md).
  keepMemorySmall();
  using signals = installSignals();
  // It serves many: waiting for one process for long would cut them all.
  await using hub = await context.openHub({ startFolder: process.cwd(), busyTimeout: 1000 });
  const log = openHubLog(context.options['logLevel'] as LogLevel);
  await using service = await hub.serve({
    listen: context.options['listen'] as string | undefined,
    program: ownProgram(),
    log,
  });
  const { ssh, api, fingerprint } = service;
  const facts = {
    ssh,
    api,
    ...(fingerprint !== null && { fingerprint }),
    settings: hub.settingsFile,
    pid: process.pid,
  };
  log.info(facts, 'listening');
  await using _service = await announceService({
    status: `nodes connect to ${service.ssh ?? 'the sshd of this machine'}, API on ${service.api}`,
    alive: (limit) => service.answers(limit),
    log: (level, message) => log[level](message),
  });
  if (!signals.gently.aborted) await once(signals.gently, 'abort');
  log.info('stopping');
  return 0;
}
