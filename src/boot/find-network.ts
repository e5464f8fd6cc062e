import { readFile } from 'node:fs/promises';
import { SendenseError } from '../errors/sendense-error.ts';
import { exists } from '../host/files/files.ts';
import { usualLibvirt } from '../host/libvirt/usual-libvirt.ts';
import { bridgeOfNetwork, networksAt } from '../host/libvirt/virsh.ts';
import { isBootNetwork, libvirtNetworkOf, type BootNetwork } from './boot-machine.ts';

interface FindOptions {
  /** Of libvirt. */
  readonly uri?: string;
  /** Where QEMU's helper looks whether a bridge is allowed. Source: QEMU, qemu-bridge-helper.c. */
  readonly bridgeConf?: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The network that is meant, as QEMU is told: of a network of libvirt its bridge. Asked before anything is made.
 * @throws SendenseError `boot.failed` where this machine does not have it
 */
export async function findNetwork(
  wanted: BootNetwork,
  { uri = usualLibvirt, bridgeConf = '/etc/qemu/bridge.conf', signal }: FindOptions = {},
): Promise<BootNetwork> {
  const name = libvirtNetworkOf(wanted);
  const network = name === null ? wanted : await bridgeOf(name, uri, signal);
  if (!network.startsWith('bridge:')) return network;
  const bridge = network.slice('bridge:'.length);
  if (!(await exists(`/sys/class/net/${bridge}/bridge`)))
    throw name === null
      ? absent(`this machine has no bridge ${bridge}`, '`ip link show type bridge` lists them.')
      : absent(`the network ${name} of libvirt is not active`, `Start it: \`virsh net-start ${name}\`.`);
  const said = await readFile(bridgeConf, 'utf8').catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' ? '' : null,
  );
  // What cannot be read, or reads others, QEMU's helper judges.
  if (said !== null && !/^\s*include\s/m.test(said) && !isAllowed(said, bridge))
    throw absent(
      `${bridgeConf} does not allow the bridge ${bridge}`,
      `Add the line \`allow ${bridge}\` to ${bridgeConf}.`,
    );
  if (!(await managesNetworks()))
    throw absent(
      `this user may not connect a VM to the bridge ${bridge}: QEMU runs in its sandbox, where qemu-bridge-helper gets no rights of its own`,
      'Run `boot` as root, or say none or isolated.',
    );
  return network;
}

/**
 * Whether programs that this process starts have CAP_NET_ADMIN: those of root have what it has, those of others only what is ambient.
 * Source: capabilities(7), PR_SET_NO_NEW_PRIVS(2const).
 */
async function managesNetworks(): Promise<boolean> {
  const kept = process.geteuid?.() === 0 ? 'CapEff' : 'CapAmb';
  const said = await readFile('/proc/self/status', 'utf8');
  const [, set = '0'] = new RegExp(`^${kept}:\\s+([0-9a-f]+)$`, 'm').exec(said) ?? [];
  return (BigInt(`0x${set}`) & (1n << 12n)) !== 0n;
}

const isAllowed = (said: string, bridge: string): boolean =>
  said.split('\n').some((line) => {
    const [word, name] = line.trim().split(/\s+/);
    return word === 'allow' && (name === 'all' || name === bridge);
  });

async function bridgeOf(name: string, uri: string, signal: AbortSignal | undefined): Promise<BootNetwork> {
  const known = await networksAt(uri, signal).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw absent(
      `${name} is a network of libvirt, and libvirt (${uri}) does not answer`,
      'Say none, isolated or bridge:NAME, or start libvirt.',
      error,
    );
  });
  if (!known.includes(name))
    throw absent(
      `libvirt (${uri}) has no network ${name}; it has ${known.length === 0 ? 'none' : known.join(', ')}`,
      'Say none, isolated, bridge:NAME, or the name of a network of libvirt.',
    );
  const bridge = `bridge:${(await bridgeOfNetwork(uri, name, signal)) ?? ''}`;
  if (isBootNetwork(bridge)) return bridge;
  throw absent(`the network ${name} of libvirt has no bridge`, 'Name a network that has one, or a bridge.');
}

const absent = (message: string, remedy: string, cause?: unknown): SendenseError =>
  new SendenseError('boot.failed', `${message}; nothing was made`, {
    remedy,
    ...(cause === undefined ? {} : { cause }),
  });
