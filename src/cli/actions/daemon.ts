import { statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { resolve } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { announceService } from '../../host/system/sd-notify.ts';
import { openHubLog, type LogLevel } from '../../hub/hub-log.ts';
import type { Hub } from '../../hub/hub.ts';
import type { SchedulerCounts } from '../../hub/schedule/scheduler.ts';
import { plural } from '../../view/format.ts';
import type { CommandContext } from '../command.ts';
import { durationOption } from '../duration-option.ts';
import { ownProgram } from '../own-program.ts';
import { keepMemorySmall } from '../small-memory.ts';

export async function action(context: CommandContext): Promise<number> {
  keepMemorySmall();
  const { args, options } = context;
  const drainMs = durationOption('--drain', options['drain']);
  const pollMs = durationOption('--poll', options['poll'], 1000);
  using signals = daemonSignals();
  const named = args[0] === undefined ? undefined : resolve(args[0]);
  if (named !== undefined && !statSync(named, { throwIfNoEntry: false })?.isDirectory())
    throw new SendenseError('usage', `${named} is not a folder`, { remedy: 'Name the folder that holds the plans.' });
  await using hub = await context.openHub({ startFolder: named ?? process.cwd() });
  const { folder } = named === undefined ? hub.planFiles : { folder: named };
  const log = openHubLog(options['logLevel'] as LogLevel, 'sendense-run daemon');
  await using service = await hub.serveSchedules({ folder, program: ownProgram(), log, pollMs });
  log.info(
    { folder, plans: service.counts().plans, settings: hub.settingsFile, pid: process.pid },
    'plans are scheduled',
  );
  signals.onHangup(() => {
    log.info('settings and plans are read again');
    void service.reread();
  });
  await using announced = await announceService({
    status: statusOf(service.counts()),
    alive: () => service.answers(),
    log: (level, message) => log[level](message),
  });
  const shown = setInterval(() => announced.status(statusOf(service.counts())), 10_000);
  using _metrics = keepMetrics(hub, (message) => log.warn(message));
  using _boots = keepBoots(hub, (message) => log.warn(message));
  await signals.stop;
  clearInterval(shown);

  const idle = service.drain();
  log.info({ running: service.counts().running, drain_ms: drainMs }, 'starting no new runs; waiting for active runs');
  await Promise.race([idle, delay(drainMs, undefined, { ref: false }), signals.again]);
  if (service.counts().running > 0) {
    log.warn({ running: service.counts().running }, 'runs are stopped and cleaned up');
    service.cancel();
  }
  await Promise.race([idle, signals.atOnce]);
  if (service.counts().running > 0) service.cancel();
  log.info({ running: service.counts().running }, 'stopping');
  return 0;
}

const metricsMs = 60_000;

/** Writes the file of metrics now and every minute; the same trouble is told once. */
function keepMetrics(hub: Hub, warn: (message: string) => void): Disposable {
  let told: string | undefined;
  const write = async (): Promise<void> => {
    let trouble: string | undefined;
    await hub.writeMetrics((message) => (trouble = message));
    if (trouble !== undefined && trouble !== told) warn(trouble);
    told = trouble;
  };
  void write();
  const timer = setInterval(() => void write(), metricsMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Whoever looks after VMs that run from restore points may have been killed, or this machine was restarted. */
function keepBoots(hub: Hub, warn: (message: string) => void): Disposable {
  const look = async (): Promise<void> => {
    try {
      await (await hub.boots()).look({ program: ownProgram(), settingsFile: hub.settingsFile });
    } catch (error) {
      warn((error as Error).message);
    }
  };
  void look();
  const timer = setInterval(() => void look(), bootsMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

const bootsMs = 30_000;

const statusOf = ({ plans, running, waiting }: SchedulerCounts): string =>
  `${plural(plans, 'plan')}, ${plural(running, 'run')} going on, ${waiting} waiting`;

interface DaemonSignals extends Disposable {
  /** The first, the second and the third request to stop. */
  readonly stop: Promise<void>;
  readonly again: Promise<void>;
  readonly atOnce: Promise<void>;
  onHangup(work: () => void): void;
}

function daemonSignals(): DaemonSignals {
  const [first, second, third] = [1, 2, 3].map(() => Promise.withResolvers<void>());
  const requests = [first, second, third];
  const onStop = (): void => requests.shift()?.resolve();
  let hangup = (): void => {};
  const onHangup = (): void => hangup();
  // A terminal that closes stops other commands; a daemon reads its plans again.
  process.removeAllListeners('SIGHUP');
  process.on('SIGHUP', onHangup).on('SIGTERM', onStop).on('SIGINT', onStop);
  const never = Promise.withResolvers<void>().promise;
  return {
    stop: first?.promise ?? never,
    again: second?.promise ?? never,
    atOnce: third?.promise ?? never,
    onHangup: (work) => void (hangup = work),
    [Symbol.dispose]: () => {
      process.off('SIGHUP', onHangup).off('SIGTERM', onStop).off('SIGINT', onStop);
    },
  };
}
