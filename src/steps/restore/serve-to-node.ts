import { randomUUID } from 'node:crypto';
import { SendenseError } from '../../errors/sendense-error.ts';
import { imageTarget, type ImageTarget } from '../../host/images/image-options.ts';
import { makePsk, readPsk, writePsk } from '../../host/nbd/psk-file.ts';
import { serveNbd, type NbdServer, type ServeOptions } from '../../host/nbd/qemu-nbd.ts';
import { serveGated } from '../../host/nbd/serve-gated.ts';
import { portUsers } from '../../host/net/port-holder.ts';
import { isPortFree } from '../../host/net/port-probe.ts';
import { clearRunFolder, makeRunFolder, removeRunFolder, runFolderOf } from '../../host/programs/run-folder.ts';
import type { ImageKeys } from '../../repository/image-keys.ts';
import { allocatePorts, releasePorts } from '../../state/runs/port-leases.ts';
import type { KeyedDisk, ServedDisks } from '../../targets/target-hub.ts';
import { watchServers } from '../at-node/watch-servers.ts';
import {
  dataAddressOf,
  exportOf,
  loopback,
  pidFileOf,
  pskFolderOf,
  socketOf,
  targetUri,
  type DataAddress,
} from '../nbd/data-address.ts';
import type { Services } from '../services.ts';

interface Serving {
  readonly services: Services;
  readonly runId: string;
  readonly stepId: string;
  readonly signal: AbortSignal;
  log(message: string): void;
}

/** The copy has one connection, and one that broke without a word stays for a long time. */
const clients = 20;

/**
 * Serves disks of a restore point to a node, read-only, in the way in which those of a backup are served for writing: behind a gate,
 * with the key of the run, at leased ports.
 * @throws SendenseError `ports.*`, `nbd.failed`, `ssh.*`
 */
export async function serveToNode(
  serving: Serving,
  node: string,
  disks: readonly KeyedDisk[],
  keys: ImageKeys,
): Promise<ServedDisks> {
  const { services, runId, signal, log } = serving;
  const address = dataAddressOf(services, node);
  await using stack = new AsyncDisposableStack();
  await makeRunFolder(runId);
  stack.defer(() => removeRunFolder(runId));
  const isSecret = address.kind === 'tcp' && address.tls === 'psk';
  if (isSecret) await writePsk(pskFolderOf(runId), makePsk());
  const ports = await leasePorts(serving, address, disks.length);
  stack.defer(() => clearLeases(serving));
  for (const [index, { disk }] of disks.entries()) {
    const image = await imageTarget(disk.file, { key: keys.of(disk) });
    stack.use(await serve(serving, address, { name: disk.disk, file: disk.file, image, port: ports[index] ?? null }));
  }
  if (ports.length > 0) stack.use(await services.openDataPath(node, ports, signal, log));
  const assertServed = await watchServers(
    runId,
    disks.map(({ disk }) => disk.disk),
    'the node read from it',
  );
  const psk = isSecret ? await readPsk(pskFolderOf(runId)) : null;
  const sources = disks.map(
    ({ key, disk }, index) => `${key}:${targetUri(address, runId, disk.disk, ports[index] ?? null)}`,
  );
  const held = stack.move();
  return { sources: sources.join(','), psk, assertServed, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** Removes what a run left that died while it served disks. */
export async function clearServed({ services, runId, stepId, signal }: Omit<Serving, 'log'>): Promise<void> {
  await clearRunFolder(runFolderOf(runId), signal);
  releasePorts(services.state, runId, stepId);
}

const clearLeases = ({ services, runId, stepId }: Serving): void => void releasePorts(services.state, runId, stepId);

async function leasePorts(
  { services, runId, stepId }: Serving,
  address: DataAddress,
  count: number,
): Promise<number[]> {
  if (address.kind === 'unix') return [];
  const { from, to } = services.settings.ports;
  releasePorts(services.state, runId, stepId);
  return allocatePorts(services.state, {
    count,
    from,
    to,
    owner: { runId, stepId },
    isFree: (port) => isPortFree(port, address.listen),
    holders: (ports) => portUsers(ports, address.listen),
  });
}

interface ServedImage {
  readonly name: string;
  readonly file: string;
  readonly image: ImageTarget;
  readonly port: number | null;
}

async function serve(
  { runId, signal }: Serving,
  address: DataAddress,
  { name, port, ...image }: ServedImage,
): Promise<NbdServer> {
  const isAtPort = address.kind === 'tcp' && port !== null;
  const socket = socketOf(runId, name);
  const pskFolder = isAtPort && address.tls === 'psk' ? pskFolderOf(runId) : null;
  const options: ServeOptions = {
    ...image,
    format: 'qcow2',
    readOnly: true,
    listen: isAtPort ? { port, address: address.listen } : { socket },
    pskFolder,
    clients,
    exportName: exportOf(runId, name),
    pidFile: pidFileOf(runId, name),
    description: randomUUID(),
    signal,
  };
  const psk = pskFolder === null ? null : await readPsk(pskFolder);
  if (psk === null) return serveNbd(options);
  if (!isAtPort) throw new SendenseError('run.internal', 'a key without a port');
  return serveGated(options, { address: address.listen ?? loopback.listen, port, socket, psk });
}
