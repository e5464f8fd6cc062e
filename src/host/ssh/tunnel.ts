import { rm, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { backoffMs, slowRetryMs } from './backoff.ts';
import { isInstalled } from '../programs/bound-words.ts';
import { startConnection, type Connection, type ConnectionProgram } from './connection.ts';
import { writeKnownHosts } from './known-hosts.ts';
import { openSshProgram } from './open-ssh.ts';
import { requireFreePorts } from './port-taken.ts';
import { ssh2Program } from './ssh2-program.ts';
import { where, type Tunnel, type TunnelOptions, type TunnelProgram, type TunnelState } from './tunnel-options.ts';

export type { Endpoint, Forward, SshServer, Tunnel, TunnelOptions, TunnelState } from './tunnel-options.ts';

/** A connection that lived as long as this was a good one: the next failure counts as the first. */
const soundMs = 10_000;

/** Opens a tunnel and keeps it up: reconnects with exponential backoff and jitter, 0.5 s to 10 s. */
export function openTunnel(options: TunnelOptions): Tunnel {
  const stop = new AbortController();
  const changed = new Set<() => void>();
  let current: TunnelState = { state: 'connecting', attempt: 1 };
  let lastError: SendenseError | null = null;
  let isFinal = false;
  let refusal: SendenseError | null = null;
  let live: Connection | null = null;
  const show = (next: TunnelState): void => {
    current = next;
    options.onState?.(next);
    for (const tell of changed) tell();
  };
  const log: NonNullable<TunnelOptions['log']> = (level, message, facts) => options.log?.(level, message, facts);
  const name = where(options.server);

  /** One connection from its start to its end. @returns how long it was up, ms */
  const connectOnce = async (): Promise<{ error: SendenseError; upMs: number }> => {
    const dialled = await options.dial?.(stop.signal);
    let program: ConnectionProgram;
    try {
      program = await prepare(options, dialled?.user);
      stop.signal.throwIfAborted();
      if (dialled?.socket.destroyed) throw new SendenseError('ssh.lost', `${name} ended the connection at once`);
    } catch (error) {
      dialled?.socket.destroy();
      throw error;
    }
    await using connection = startConnection(program, {
      server: options.server,
      socket: dialled?.socket,
      hello: options.hello?.() ?? JSON.stringify({ ping: Date.now() }),
      onLine: (line) => options.onLine?.(line),
      onRefusal: (error) => {
        refusal = error;
        log('warn', `tunnel to ${name}: ${error.message}`, { code: error.code });
      },
    });
    live = connection;
    const stopped = Promise.withResolvers<SendenseError>();
    const onStop = (): void => stopped.resolve(new SendenseError('ssh.lost', `the tunnel to ${name} was closed`));
    stop.signal.addEventListener('abort', onStop, { once: true });
    try {
      await Promise.race([connection.up, stopped.promise]);
      const since = Date.now();
      if (!stop.signal.aborted) {
        refusal = null;
        isFinal = false;
        log('info', `tunnel to ${name} is up`, { program: program.name });
        show({ state: 'up', since, program: program.name });
      }
      return { error: await Promise.race([connection.ended, stopped.promise]), upMs: Date.now() - since };
    } finally {
      live = null;
      stop.signal.removeEventListener('abort', onStop);
    }
  };

  const keepUp = async (): Promise<void> => {
    let failures = 0;
    let wasUp = false;
    for (let attempt = 1; !stop.signal.aborted; attempt++) {
      if (attempt > 1) show({ state: 'connecting', attempt });
      const { error, upMs } = await connectOnce().catch((thrown: unknown) => ({
        error: toSendenseError(thrown),
        upMs: -1,
      }));
      if (stop.signal.aborted) return;
      wasUp ||= upMs >= 0;
      failures = upMs >= soundMs ? 1 : failures + 1;
      lastError = error;
      // A port of ours at the other end may be held by the rest of a connection that broke: that goes away.
      isFinal = error.entry.retry === 'never' || (error.code === 'ssh.forward' && !wasUp);
      const pause = isFinal ? slowRetryMs : backoffMs(failures);
      log(isFinal ? 'error' : 'warn', `tunnel to ${name}: ${error.message}`, { code: error.code, retry_ms: pause });
      show({ state: 'down', error, retryAt: Date.now() + pause });
      await delay(pause, undefined, { signal: stop.signal }).catch(() => {});
    }
  };
  const ended = keepUp();

  return {
    state: () => current,
    refusal: () => refusal,
    say: (line) => live?.say(line),
    ready: (signal) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (stop.signal.aborted)
            leave(() => reject(new SendenseError('ssh.lost', `the tunnel to ${name} was closed`)));
          else if (current.state === 'up') leave(resolve);
          else if (current.state === 'down' && isFinal) leave(() => reject(lastError as Error));
          else if (signal?.aborted) leave(() => reject(lastError ?? (signal.reason as Error)));
        };
        const leave = (settle: () => void): void => {
          changed.delete(look);
          signal?.removeEventListener('abort', look);
          settle();
        };
        changed.add(look);
        signal?.addEventListener('abort', look);
        look();
      }),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      for (const tell of changed) tell();
      await ended;
      for (const { listen } of options.local) if ('socket' in listen) await rm(listen.socket, { force: true });
    },
  };
}

/** What can be known before connecting. @throws SendenseError `ssh.key`, `ssh.forward`, `ssh.host-key`, `tool.missing` */
async function prepare(given: TunnelOptions, user = given.server.user): Promise<ConnectionProgram> {
  const options = { ...given, server: { ...given.server, user } };
  await requirePrivate(options.keyFile);
  await requireFreePorts(options.local);
  const { program: wanted = 'auto' } = options;
  const program = options.dial ? 'openssh' : wanted === 'auto' ? best() : wanted;
  if (program === 'ssh2') return ssh2Program(options);
  if (!isInstalled('ssh'))
    throw new SendenseError('tool.missing', 'ssh is not installed (Debian package openssh-client)', {
      remedy: 'apt-get install openssh-client',
    });
  return openSshProgram(options, await writeKnownHosts(options.folder, options.server));
}

const best = (): TunnelProgram => (isInstalled('ssh') ? 'openssh' : 'ssh2');

/** As OpenSSH does: a key of this user that others can read is no secret. */
async function requirePrivate(keyFile: string): Promise<void> {
  const facts = await stat(keyFile).catch((cause: NodeJS.ErrnoException) => {
    throw new SendenseError('ssh.key', `the private key ${keyFile} cannot be read (${cause.code})`, {
      cause,
      remedy: 'Check the path of `key`, and that this user can read the file.',
    });
  });
  if (facts.uid !== process.getuid?.() || (facts.mode & 0o077) === 0) return;
  const mode = (facts.mode & 0o777).toString(8).padStart(4, '0');
  throw new SendenseError('ssh.key', `the private key ${keyFile} has mode ${mode}: others may have read it`, {
    remedy: `Make a new key; its file must have mode 0600.`,
  });
}
