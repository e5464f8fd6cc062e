import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { SendenseError } from '../../errors/sendense-error.ts';
import { openTunnel, type Forward, type SshServer, type Tunnel, type TunnelOptions } from '../../host/ssh/tunnel.ts';
import { helloLine } from '../link/hub-answers.ts';
import { fail, ok, warn, type Finding } from './finding.ts';

export interface ProbeOptions {
  readonly server: SshServer;
  readonly keyFile: string;
  readonly program: NonNullable<TunnelOptions['program']>;
  /** Private folder with a short path, for sockets. */
  readonly folder: string;
  readonly remote: readonly Forward[];
  /** Loopback addresses of the hub to which a connection is tried; each port once. */
  readonly ports: readonly { readonly host: string; readonly port: number }[];
  readonly signal: AbortSignal;
}

/** How long a tunnel may take to come up, and one connection through it to be answered or refused, ms. */
const upMs = 30_000;
const answerMs = 5000;

/**
 * A tunnel of its own for as long as it takes: nothing listens on a port here, so that it works beside whatever holds them.
 * It counts as a connection of the node, so this is for a node whose link is down.
 */
export async function withProbe<T>(options: ProbeOptions, work: (probe: Probe) => Promise<T>): Promise<T> {
  const socketOf = (port: number): string => join(options.folder, `${port}.sock`);
  await using tunnel = openTunnel({
    server: options.server,
    keyFile: options.keyFile,
    local: options.ports.map((target) => ({ listen: { socket: socketOf(target.port) }, connect: target })),
    remote: options.remote,
    program: options.program,
    folder: options.folder,
    hello: helloLine,
  });
  await tunnel.ready(AbortSignal.any([options.signal, AbortSignal.timeout(upMs)]));
  return await work({ port: (port, say) => tryPort(tunnel, socketOf(port), say) });
}

export interface Probe {
  /** @param say what to send first, for a server that waits for it */
  port(port: number, say?: string): Promise<PortAnswer>;
}

/** `allowed`: the hub let it through; `answered` if something spoke there. */
export type PortAnswer =
  | { readonly allowed: true; readonly answered: boolean }
  | { readonly allowed: false; readonly error: SendenseError };

async function tryPort(tunnel: Tunnel, socket: string, say: string | undefined): Promise<PortAnswer> {
  const before = tunnel.refusal();
  if (await answersAt({ path: socket }, say)) return { allowed: true, answered: true };
  // ssh says why it closed a connection a moment after it closed it.
  for (let turn = 0; turn < 20 && tunnel.refusal() === before; turn++) await delay(50);
  const refusal = tunnel.refusal();
  if (refusal === before || refusal === null) return { allowed: true, answered: false };
  return refusal.code === 'ssh.forward' ? { allowed: false, error: refusal } : { allowed: true, answered: false };
}

/**
 * Whether something there says a word within 5 s.
 * @param say what to send first, for a server that waits for it
 */
export async function answersAt(
  target: { path: string } | { port: number },
  say: string | undefined,
): Promise<boolean> {
  const socket = connect({ ...target, host: '127.0.0.1' });
  socket.on('error', () => {});
  if (say !== undefined) socket.write(say);
  const limit = AbortSignal.timeout(answerMs);
  const event = (name: 'data' | 'close'): Promise<boolean> =>
    once(socket, name, { signal: limit }).then(
      () => name === 'data',
      () => false,
    );
  const answered = await Promise.race([event('data'), event('close')]);
  socket.destroy();
  return answered;
}

/** A question to the hub's API; any answer will do. */
export const healthRequest = 'GET /api/v1/health HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n';

/** Ports of disks: in most hours nothing listens there, which is as it should be. */
export function nbdFinding(answers: readonly (readonly [port: number, answer: PortAnswer])[]): Finding {
  const refused = answers.filter(([, answer]) => !answer.allowed).map(([port]) => port);
  if (refused.length > 0)
    return fail(
      `the hub does not allow port ${refused.join(' and ')}`,
      'On an OpenSSH hub: permitopen of the node; compare with `sendense-run node show NAME`.',
    );
  return ok(
    `the hub does not forbid ${answers.map(([port]) => port).join(' and ')}; they open for the length of a run`,
  );
}

export function hubApiFinding(port: number, answer: PortAnswer): Finding {
  if (!answer.allowed) return fail(`the hub does not allow port ${port}`, 'On an OpenSSH hub: permitopen of the node.');
  return answer.answered
    ? ok(`the hub's API answers on port ${port}`)
    : warn(`the hub allows port ${port}, but nothing answers there`, 'Look at `sendense-run hub` on the hub.');
}
