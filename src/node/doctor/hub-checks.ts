import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { dataConnections, loopbackAddresses } from '../../host/net/loopback-addresses.ts';
import { lookAtMtu } from '../../host/net/large-packets.ts';
import { portHolder, portUser } from '../../host/net/port-holder.ts';
import { isPortFree } from '../../host/net/port-probe.ts';
import { sendLargeHello } from '../../host/ssh/large-hello.ts';
import { fingerprintOf } from '../../host/ssh/keys.ts';
import { version } from '../../schemas/package.ts';
import { versionMisfit } from '../../schemas/version-fit.ts';
import type { HostAndPort } from '../../schemas/host-and-port.ts';
import type { Enrolment, LinkStatus } from '../../schemas/types.ts';
import { diskForwards, forwardedPorts } from '../link/link-forwards.ts';
import { maxSkewMs } from '../link/link-status.ts';
import { fail, ok, warn, type Finding } from './finding.ts';

export async function checkName({ host }: HostAndPort): Promise<Finding> {
  if (isIP(host)) return ok(`${host} is an address`);
  try {
    const found = await lookup(host, { all: true });
    return ok(`${host} is ${found.map(({ address }) => address).join(', ')}`);
  } catch (cause) {
    throw new SendenseError(
      'ssh.unreachable',
      `the name ${host} is not known (${(cause as NodeJS.ErrnoException).code})`,
      {
        cause,
        remedy: 'Correct the name, or the DNS servers in /etc/resolv.conf.',
      },
    );
  }
}

/** A link that broke so short a time ago, and not for the first time, is not steady, ms. */
const unsteadyMs = 120_000;

/** How the link is, as far as its process says. */
export function checkLink(status: LinkStatus | null): Finding {
  if (!status || status.state === 'stopped')
    return warn(
      'no process keeps the link',
      'Start `sendense-node serve --tunnel`, or `sendense-node tunnel` beside `serve`.',
    );
  const { state, process, last_error: error, retry_at: retryAt } = status;
  if (state === 'up' && status.data.error !== null && status.data.way === 'connection')
    return status.data.state === 'up'
      ? warn(
          `up, but the disks have one connection of their own instead of several: ${status.data.error}`,
          'One connection is slower on long lines. The node tries the others again every 5 minutes.',
        )
      : warn(
          `up, but a connection for the disks is down: ${status.data.error}`,
          'The node connects again by itself. After three failed attempts fewer connections carry the disks.',
        );
  if (state === 'up' && status.data.error !== null)
    return warn(
      `up, but the disks have no connections of their own: ${status.data.error}`,
      'Until then the hub forwards the data itself, which costs it more. Its log gives the reason (docs/network.md).',
    );
  if (state === 'up' && error !== null && status.connections >= 4 && Date.now() - error.time < unsteadyMs)
    return warn(
      `up, but it broke ${status.connections - 1} times since process ${process.pid} began, the last time at ${timeOf(error.time)}: ${error.message}`,
      `If it breaks only under load: ${lookAtMtu('HUB')}`,
    );
  if (state === 'up')
    return ok(
      `up since ${timeOf(status.connected_since ?? status.updated)}, process ${process.pid}, ${status.program}`,
    );
  const next = retryAt === null ? '' : `; tried again at ${timeOf(retryAt)}`;
  if (!error) return warn(`process ${process.pid} is connecting`, 'Look again in a moment.');
  return { result: 'fail', message: `${error.message}${next}`, remedy: error.remedy, code: error.code };
}

export const pinnedKey = ({ hub }: Enrolment): string =>
  `${fingerprintOf(hub.host_key)} (${hub.host_key.split(' ')[0]})`;

const largeWithinMs = 10_000;

/** Small packets pass: whether large ones do. */
export async function checkLargePackets(
  { host, port }: HostAndPort,
  { signal, timeoutMs = largeWithinMs }: { readonly signal: AbortSignal; readonly timeoutMs?: number },
): Promise<Finding> {
  const hub = `${host}:${port}`;
  try {
    await sendLargeHello({ host, port }, { signal, timeoutMs });
    return ok(`${hub} answers them`);
  } catch (error) {
    const { code, message } = toSendenseError(error);
    if (code !== 'ssh.unreachable' && code !== 'ssh.lost') throw error;
    return { ...fail(`${hub} answers small packets and not large ones (MTU): ${message}`, lookAtMtu('HUB')), code };
  }
}

/** @param name of this node, as the hub knows it */
export function checkVersions(name: string, hub: string | null): Finding {
  const found = `${name}, hub version ${hub}`;
  const misfit = hub === null ? null : versionMisfit({ hub, node: version });
  if (misfit === null) return ok(found);
  return warn(
    `${name}: ${misfit}`,
    'docs/operations.md has a table of the versions that fit. Upgrade nodes first, then the hub.',
  );
}

/** @param skewMs how far the hub's clock is ahead */
export function checkClock(skewMs: number): Finding {
  const seconds = `${(Math.abs(skewMs) / 1000).toFixed(1)} s`;
  const found = `the hub's clock is ${seconds} ${skewMs < 0 ? 'behind' : 'ahead of'} this one`;
  return Math.abs(skewMs) > maxSkewMs ? warn(found, 'Set both by NTP: `timedatectl set-ntp true`.') : ok(found);
}

/** Ports here that the link listens on: free, or held by the link itself. */
export async function checkLocalPorts(
  enrolment: Enrolment,
  status: LinkStatus | null,
  ours: (pid: number) => boolean,
): Promise<Finding> {
  const ports = forwardedPorts(enrolment);
  const held: number[] = [];
  for (const port of ports) if (!(await isPortFree(port))) held.push(port);
  const range = `${enrolment.nbd_ports.from}-${enrolment.nbd_ports.to} and ${enrolment.hub_api_port}`;
  if (held.length === 0)
    return (
      (await checkFurther(enrolment, ours)) ??
      ok(`${range} of 127.0.0.1 are free${status?.state === 'up' ? ', though the link is up' : ''}`)
    );
  const foreign = new Map<number, string>();
  // To find a holder is to look through all processes: the first and the last tell.
  for (const port of held.length === ports.length ? [ports[0] ?? 0, ports.at(-1) ?? 0] : held.slice(0, 5)) {
    const seen = portHolder(port);
    // Another user's process is not seen without root; a link that is up holds its ports.
    if (seen === null && status?.state === 'up') continue;
    const holder = seen ?? portUser(port) ?? 'a process that this user cannot see';
    if (!ours(pidIn(holder))) foreign.set(port, holder);
  }
  if (foreign.size === 0)
    return (await checkFurther(enrolment, ours)) ?? ok(`${range} of 127.0.0.1 are held by the link`);
  const named = [...foreign].map(([port, holder]) => `${port} by ${holder}`).join(', ');
  return fail(`held: ${named}`, 'Stop it, or let the hub use other ports (`ports:` of its sendense.yaml).');
}

/** Where 127.0.0.1 is as it should be: null where the further addresses are, too. */
async function checkFurther(enrolment: Enrolment, ours: (pid: number) => boolean): Promise<Finding | null> {
  const held = await heldElsewhere(enrolment, ours);
  return held === null
    ? null
    : warn(
        `held: ${held}`,
        'Stop it: without that address the disks have one connection instead of several, which is slower on long lines.',
      );
}

/** A port of the disks that another program holds at one of the further addresses, with its holder; null where there is none. */
async function heldElsewhere(enrolment: Enrolment, ours: (pid: number) => boolean): Promise<string | null> {
  if (enrolment.data !== 'connection') return null;
  for (const host of loopbackAddresses(dataConnections).slice(1))
    for (const { listen } of diskForwards(enrolment)) {
      if (!('port' in listen) || (await isPortFree(listen.port, host))) continue;
      const holder = portHolder(listen.port, host);
      // Another user's process is not seen without root: it may be the link's.
      if (holder === null) return null;
      if (!ours(pidIn(holder))) return `${listen.port} at ${host} by ${holder}`;
      break;
    }
  return null;
}

/** Of what `portHolder` says. */
const pidIn = (holder: string): number => Number(/process ([0-9]+)/.exec(holder)?.[1] ?? 0);

const timeOf = (time: number): string => new Date(time).toISOString();
