import { SendenseError } from '../../errors/sendense-error.ts';
import { runTool } from '../programs/process.ts';

export interface ServiceOptions {
  /** One line for `systemctl status`. */
  readonly status: string;
  /** Rejects where the service does not work, whatever the event loop does; has half of the watchdog's time. */
  readonly alive: (signal: AbortSignal) => Promise<unknown>;
  readonly log: (level: 'warn' | 'error', message: string) => void;
  /** Default: that of this process, from which the variables of systemd are taken, so that no child has them. */
  readonly env?: Record<string, string | undefined>;
}

export interface AnnouncedService extends AsyncDisposable {
  /** Changes the line of `systemctl status`; the same again costs nothing. */
  status(text: string): void;
}

const nobodyAsks: AnnouncedService = { status: () => {}, [Symbol.asyncDispose]: () => Promise.resolve() };

/** Nobody waits longer for systemd to take a message, ms. */
const sendMs = 10_000;

/**
 * Tells systemd that this service is ready, and from then on that it lives: at half of `WatchdogSec=`, and only after
 * `alive`. At its disposal, that it stops. Does nothing where no service manager asks (sd_notify(3), `NOTIFY_SOCKET`).
 *
 * Node has no Unix datagram sockets, so `systemd-notify` speaks for us. It is a process of its own, which is why the units say
 * `NotifyAccess=all`; it waits until systemd has read the message, so that none is lost with the process that sent it.
 */
export async function announceService(options: ServiceOptions): Promise<AnnouncedService> {
  const { alive, log, env = process.env } = options;
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: usec, WATCHDOG_PID: pid } = env;
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name];
  if (socket === undefined || socket === '') return nobodyAsks;

  // One after the other: a status must not overtake the one before.
  let last: Promise<unknown> = Promise.resolve();
  const send = (...message: string[]): Promise<unknown> =>
    (last = last
      .then(() => runTool('systemd-notify', message, { env: { NOTIFY_SOCKET: socket }, timeoutMs: sendMs }))
      .catch((error: Error) => log('error', `systemd could not be told ${message[0]}: ${error.message}`)));

  await send('READY=1', statusLine(options.status));
  const watched = pid === undefined || Number(pid) === process.pid;
  const everyMs = watched ? Number(usec ?? 0) / 1000 / 2 : 0;
  let asking = false;
  const beat = async (): Promise<void> => {
    if (asking) return;
    asking = true;
    try {
      await within(everyMs, alive);
      await send('WATCHDOG=1');
    } catch (error) {
      log('warn', `the service does not answer itself, so its watchdog is not fed: ${(error as Error).message}`);
    } finally {
      asking = false;
    }
  };
  const timer = everyMs > 0 ? setInterval(() => void beat(), everyMs) : undefined;
  let shown = options.status;
  return {
    status: (text) => {
      if (text !== shown) void send(statusLine((shown = text)));
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await send('STOPPING=1', statusLine('stopping'));
    },
  };
}

/** A message is lines of assignments. */
const statusLine = (text: string): string => `STATUS=${text.replaceAll(/\s+/g, ' ').slice(0, 500)}`;

/** Also ends where `check` does not heed its signal. */
async function within(ms: number, check: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const limit = AbortSignal.timeout(Math.ceil(ms));
  const { promise: late, reject } = Promise.withResolvers<never>();
  const onLate = (): void => reject(new SendenseError('step.timeout', `no answer in ${ms} ms`));
  limit.addEventListener('abort', onLate, { once: true });
  try {
    await Promise.race([check(limit), late]);
  } finally {
    limit.removeEventListener('abort', onLate);
  }
}
