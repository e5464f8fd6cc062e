import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { BaseLogger } from 'pino';
import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { openTunnel, type Tunnel, type TunnelOptions, type TunnelState } from '../../host/ssh/tunnel.ts';
import type { HostAndPort } from '../../schemas/host-and-port.ts';
import type { Enrolment, LinkStatus, LinkWelcome } from '../../schemas/types.ts';
import { tryToHold } from '../held-name.ts';
import { inStateFolder } from '../held-places.ts';
import type { ListenAddress } from '../listen-address.ts';
import { keyFileOf, linkFolder, readEnrolment, requireEnrolment, writeEnrolment } from './enrolment-files.ts';
import type { Carriers } from './data-link.ts';
import { allCarriers, openDiskWay } from './disk-way.ts';
import { answerIn, askHub, helloLine } from './hub-answers.ts';
import { readLinkStatus } from './link-files.ts';
import { apiForward, remoteForwards, serverOf } from './link-forwards.ts';
import { openStatus, type StatusKeeper } from './link-status.ts';
import { portsOf, samePorts, withWelcome } from './told-by-hub.ts';

export interface LinkOptions {
  readonly stateDir: string;
  /** Where the node's API listens: what the hub reaches through the link. */
  readonly api: ListenAddress;
  /** Instead of the address of the enrolment. */
  readonly hub: HostAndPort | undefined;
  readonly program: NonNullable<TunnelOptions['program']>;
  readonly log: BaseLogger;
  /** After how long connections for the disks that could not be made are tried again, ms; default 5 minutes. */
  readonly retryDataMs?: number;
}

/** A link that keeps itself up, and says in `STATE/link/status.json` how it is, until it is disposed of. */
export interface Link extends AsyncDisposable {
  status(): LinkStatus;
}

/** How often the hub is asked for other ports while it refuses those that we know. */
const askEveryMs = 60_000;
/** After how long a port of this machine that another program holds is tried again. */
const takenPortMs = 5000;
const retryDataMs = 300_000;
/** How often to look whether `enroll` has written something new. */
const lookEveryMs = 2000;

/**
 * Connects to the hub that the node is enrolled at and stays connected. What the hub changed (name, ports) and what `enroll`
 * wrote anew is taken over without a restart.
 * @throws SendenseError `link.none`, `link.damaged`; `link.running` where another process keeps the link
 */
export async function keepLink(options: LinkOptions): Promise<Link> {
  const { stateDir } = options;
  const enrolment = await requireEnrolment(stateDir);
  await keyFileOf(stateDir, enrolment);
  await using stack = new AsyncDisposableStack();
  const alone = await tryToHold('link', inStateFolder(stateDir));
  if (!alone) throw await alreadyKept(stateDir);
  stack.use(alone);
  const status = stack.use(openStatus(stateDir, serverOf(enrolment, options.hub), enrolment, options.log));
  const stop = new AbortController();
  const ended = keepOpen(options, enrolment, status, stop.signal);
  stack.defer(async () => {
    stop.abort();
    await ended;
  });
  const owned = stack.move();
  return { status: status.now, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function alreadyKept(stateDir: string): Promise<SendenseError> {
  const status = await readLinkStatus(stateDir);
  const which = status && status.state !== 'stopped' ? `process ${status.process.pid}` : 'another process';
  return new SendenseError('link.running', `${which} keeps the link of ${stateDir}`);
}

/** What a tunnel is made of: the enrolment, and what carries the disks where the hub offers connections of their own. */
interface Wanted {
  readonly enrolment: Enrolment;
  readonly carriers: Carriers;
}

/** One tunnel after another: a new one where the ports, the key or the hub are others than before. */
async function keepOpen(
  options: LinkOptions,
  first: Enrolment,
  status: StatusKeeper,
  stopped: AbortSignal,
): Promise<void> {
  for (let wanted: Wanted = { enrolment: first, carriers: allCarriers }; !stopped.aborted;)
    wanted = await keepOne(options, wanted, status, stopped);
}

/** Keeps a tunnel until it is to be another one; answers with what that one is to be made of. */
async function keepOne(
  options: LinkOptions,
  { enrolment, carriers }: Wanted,
  status: StatusKeeper,
  stopped: AbortSignal,
): Promise<Wanted> {
  const { stateDir, log } = options;
  const next = Promise.withResolvers<Wanted>();
  const stop = (): void => next.resolve({ enrolment, carriers });
  stopped.addEventListener('abort', stop, { once: true });
  const server = serverOf(enrolment, options.hub);
  const timer = setInterval(() => {
    void readEnrolment(stateDir)
      .catch(() => null)
      .then(
        (onDisk) =>
          onDisk && !isDeepStrictEqual(onDisk, known) && next.resolve({ enrolment: onDisk, carriers: allCarriers }),
      );
  }, lookEveryMs);
  let known = enrolment;
  let busy = false;
  let asked = -Infinity;

  const takeOver = async (welcome: LinkWelcome): Promise<void> => {
    const told = withWelcome(known, welcome);
    if (isDeepStrictEqual(told, known)) return;
    const moved = !samePorts(told, known);
    log.info(portsOf(told), `the hub has other ${moved ? 'ports' : 'facts'} for this node than before`);
    known = told;
    await writeEnrolment(stateDir, told);
    if (moved) next.resolve({ enrolment: told, carriers: allCarriers });
  };
  /** A port that is not forwarded: ours is tried again soon, and the hub may have given the node another one. */
  const afterForward = async (error: SendenseError): Promise<void> => {
    if (error.details?.['place'] !== undefined) {
      status.retrying(Date.now() + takenPortMs);
      await delay(takenPortMs, undefined, { signal: stopped });
      return next.resolve({ enrolment: known, carriers });
    }
    if (performance.now() - asked < askEveryMs) return;
    asked = performance.now();
    const { welcome } = await askHub(server, await readFile(await keyFileOf(stateDir, known)), { signal: stopped });
    await takeOver(welcome);
  };
  const inTurn = (work: () => Promise<void>): void => {
    if (busy) return;
    busy = true;
    work()
      .catch((error: unknown) => {
        if (!stopped.aborted) log.warn({ error: toSendenseError(error) }, 'the hub could not be asked for its ports');
      })
      .finally(() => (busy = false));
  };

  try {
    const folder = join(linkFolder(stateDir), 'tunnel');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    status.opening(server, enrolment);
    const common = { server, keyFile: await keyFileOf(stateDir, enrolment), folder, log: logTo(log) };
    let tunnel: Tunnel | null = null;
    const way = openDiskWay({
      ...common,
      enrolment,
      carriers,
      program: options.program,
      retryMs: options.retryDataMs ?? retryDataMs,
      say: (line) => tunnel?.say(line),
      onState: status.data,
      onOther: (others) => next.resolve({ enrolment: known, carriers: others }),
    });
    await using _tunnel = (tunnel = openTunnel({
      ...common,
      local: [...way.local, apiForward(enrolment)],
      remote: remoteForwards(enrolment, options.api),
      program: options.program,
      hello: helloLine,
      onLine: (line) => {
        try {
          if (isPong(line) || way.take(line)) return;
          const welcome = answerIn<LinkWelcome>('link/welcome.json', line, `${server.host}:${server.port}`);
          status.welcomed(welcome, welcome.time - Date.now());
          way.linkIs(true);
          inTurn(() => takeOver(welcome));
        } catch (error) {
          status.refused(toSendenseError(error));
        }
      },
      onState: (state: TunnelState) => {
        status.changed(state);
        if (state.state !== 'up') way.linkIs(false);
        if (state.state === 'down' && state.error.code === 'ssh.forward') inTurn(() => afterForward(state.error));
      },
    }));
    // It ends before the link: the link gives it its tickets.
    await using _way = way;
    return await next.promise;
  } catch (error) {
    // The key is gone, or the folder cannot be made: that heals as little by itself as the hub's refusal, but it may.
    status.refused(toSendenseError(error));
    await delay(askEveryMs, undefined, { signal: stopped }).catch(() => {});
    return { enrolment: (await readEnrolment(stateDir).catch(() => null)) ?? enrolment, carriers };
  } finally {
    clearInterval(timer);
    stopped.removeEventListener('abort', stop);
  }
}

const logTo =
  (log: BaseLogger): NonNullable<TunnelOptions['log']> =>
  (level, message, facts) =>
    log[level](facts ?? {}, message);

const isPong = (line: string): boolean => line.startsWith('{"pong":');
