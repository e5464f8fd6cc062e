import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { layersOf } from '../../host/images/image-layers.ts';
import { imageTarget, targetOf, type ImageTarget } from '../../host/images/image-options.ts';
import { qemuNbdArgs, serveNbd, type NbdServer, type ServeOptions } from '../../host/nbd/qemu-nbd.ts';
import { serveGated } from '../../host/nbd/serve-gated.ts';
import { portUsers, type PortUser } from '../../host/net/port-holder.ts';
import { isPortFree } from '../../host/net/port-probe.ts';
import { makePsk, readPsk, writePsk } from '../../host/nbd/psk-file.ts';
import { clearRunFolder, makeRunFolder, removeRunFolder, runFolderOf } from '../../host/programs/run-folder.ts';
import { noKeys, type ImageKeys } from '../../repository/image-keys.ts';
import type { DiskDecision, NbdServeInput, NbdServeOutput, NbdServer as ServerOutput } from '../../schemas/types.ts';
import type { StepContext } from '../../engine/step.ts';
import { allocatePorts, releasePorts } from '../../state/runs/port-leases.ts';
import {
  dataAddressOf,
  exportOf,
  loopback,
  pidFileOf,
  pskFolderOf,
  socketOf,
  targetUri,
  type TcpAddress,
} from './data-address.ts';
import { defineStep } from '../define-step.ts';
import type { Services } from '../services.ts';

/** Every server of the run has its pid file in this folder, and says so on its command line. */
interface Claim {
  readonly folder: string;
}

export const nbdServe = defineStep<NbdServeInput, Claim, NbdServeOutput>({
  uses: 'nbd.serve',
  title: 'Serve the files with qemu-nbd',
  claim: (_input, facts) => ({ folder: runFolderOf(facts.runId) }),

  async plan(context, input) {
    const keys = await keysOf(context.services, input);
    const servers = await Promise.all(
      input.disks.map(async (disk) => ({
        ...behindGate(
          optionsFor(disk.disk, plannedPort(disk.disk, input, context), input, context),
          disk.disk,
          context,
        ),
        image: await plannedImage(context.services, input, disk, keys),
      })),
    );
    return {
      effects: servers.map((options) => ({
        action: 'run',
        target: options.exportName,
        detail: 'ends with the run',
        argv: ['qemu-nbd', ...qemuNbdArgs(options)],
      })),
      output: { servers: [], targets: targetsOf(input, context, input.leases) },
    };
  },

  async run(context, input) {
    const folder = await makeRunFolder(context.runId);
    context.scope.defer(() => removeRunFolder(context.runId));
    const address = dataAddressOf(context.services, input.node);
    if (address.kind === 'tcp' && address.tls === 'psk') {
      const keys = pskFolderOf(context.runId);
      await writePsk(keys, (await readPsk(keys)) ?? makePsk());
    }
    // All at once; where one fails the others are waited for, so that the scope holds every one that started.
    const started = await Promise.allSettled(input.disks.map(({ disk }) => serve(context, disk, input)));
    const failed = started.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
    const servers = started.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    context.log(`serving ${servers.length} ${servers.length === 1 ? 'disk' : 'disks'}, pid files in ${folder}`);
    return { servers, targets: targetsOf(input, context, servers) };
  },

  async undo({ services, runId, stepId, signal }, claim) {
    await clearRunFolder(claim.folder, signal);
    releasePorts(services.state, runId, stepId);
  },
});

async function serve(context: StepContext<Services>, disk: string, input: NbdServeInput): Promise<ServerOutput> {
  const address = dataAddressOf(context.services, input.node);
  return address.kind === 'unix' ? serveAt(context, disk, null, input) : serveAtPort(context, disk, address, input);
}

async function serveAtPort(
  context: StepContext<Services>,
  disk: string,
  { listen }: TcpAddress,
  input: NbdServeInput,
): Promise<ServerOutput> {
  const { state, settings } = context.services;
  const isFree = (port: number): Promise<boolean> => isPortFree(port, listen);
  const taken: number[] = [];
  for (let port = leasedPort(disk, input); ;) {
    try {
      return await serveAt(context, disk, port, input);
    } catch (error) {
      // Between lease and start another program, or a hub with a database of its own, was quicker: lease another one.
      if (!(error instanceof SendenseError && error.code === 'ports.taken')) throw error;
      taken.push(port);
      const { from, to } = settings.ports;
      const owner = { runId: context.runId, stepId: context.stepId };
      const holders = (ports: readonly number[]): PortUser[] => portUsers(ports, listen);
      [port = 0] = await allocatePorts(state, { count: 1, from, to, owner, isFree, holders, exclude: taken });
      context.log(`${disk}: port ${taken.at(-1)} was taken meanwhile; using port ${port}`);
    }
  }
}

async function serveAt(
  context: StepContext<Services>,
  disk: string,
  port: number | null,
  input: NbdServeInput,
): Promise<ServerOutput> {
  // A client whose connection broke knows by these words that it is the same process which answers again.
  const own = { description: randomUUID(), signal: context.signal };
  const plain = optionsFor(disk, port, input, context);
  const decision = input.disks.find((entry) => entry.disk === disk);
  const key = decision ? (await keysOf(context.services, input)).of(decision) : null;
  const image = await imageTarget(plain.file, { key });
  const options = { ...plain, image, ...own };
  const server = context.scope.use(await start(options, disk, context));
  context.remember(disk, server.process);
  return { disk, port, export: options.exportName, uri: server.uri, file: options.file, process: server.process };
}

/** At a port with a key a gate of ours listens, and the server at a private socket behind it. */
async function start(options: ServeOptions, disk: string, { runId }: Where): Promise<NbdServer> {
  const { listen, pskFolder } = options;
  const psk = pskFolder ? await readPsk(pskFolder) : null;
  if (psk === null || !('port' in listen)) return serveNbd(options);
  const { address = loopback.listen, port } = listen;
  return serveGated(options, { address, port, socket: socketOf(runId, disk), psk });
}

const behindGate = (options: ServeOptions, disk: string, { runId }: Where): ServeOptions =>
  options.pskFolder ? { ...options, listen: { socket: socketOf(runId, disk) } } : options;

function leasedPort(disk: string, input: NbdServeInput): number {
  const port = input.leases.find((entry) => entry.disk === disk)?.port;
  if (port === undefined) throw new SendenseError('run.internal', `${disk} has no port`);
  return port;
}

const plannedPort = (disk: string, input: NbdServeInput, { services }: Where): number | null =>
  dataAddressOf(services, input.node).kind === 'unix' ? null : leasedPort(disk, input);

const keysOf = async (services: Services, { repository }: NbdServeInput): Promise<ImageKeys> =>
  repository === undefined ? noKeys : services.imageKeys(repository);

/** How a file will be opened that is not there yet. */
async function plannedImage(
  services: Services,
  { repository, files }: NbdServeInput,
  disk: DiskDecision,
  keys: ImageKeys,
): Promise<ImageTarget | undefined> {
  const key = keys.of(disk);
  const file = files.find((entry) => entry.disk === disk.disk)?.file;
  if (file === undefined || repository === undefined) return undefined;
  const parent = disk.parent ? join(services.repositoryPath(repository), disk.parent.path) : null;
  return targetOf([{ file, encrypted: key !== null }, ...(parent ? await layersOf(parent) : [])], { key });
}

/** What tells where the servers of a run are. */
interface Where {
  readonly runId: string;
  readonly services: Pick<Services, 'settings' | 'state' | 'isEmbedded'>;
}

/** Connections that broke without a word stay with the server for a long time, and must not keep new ones out. */
const clients = 100;

function optionsFor(disk: string, port: number | null, input: NbdServeInput, { runId, services }: Where): ServeOptions {
  const file = input.files.find((entry) => entry.disk === disk)?.file;
  if (file === undefined) throw new SendenseError('run.internal', `${disk} has no file`);
  const address = dataAddressOf(services, input.node);
  return {
    file,
    format: 'qcow2',
    readOnly: false,
    listen:
      address.kind === 'unix' || port === null ? { socket: socketOf(runId, disk) } : { port, address: address.listen },
    pskFolder: address.kind === 'tcp' && address.tls === 'psk' ? pskFolderOf(runId) : null,
    clients,
    exportName: exportOf(runId, disk),
    pidFile: pidFileOf(runId, disk),
  };
}

/** `nbd_targets` of the design: `key:nbd://host:port/export,…`, or `key:nbd+unix:///export?socket=PATH,…` on this machine. */
function targetsOf(
  input: NbdServeInput,
  { runId, services }: Where,
  ports: readonly { readonly disk: string; readonly port: number | null }[],
): string {
  const portOf = (disk: string): number | null => ports.find((entry) => entry.disk === disk)?.port ?? null;
  const address = dataAddressOf(services, input.node);
  return input.disks.map(({ disk, key }) => `${key}:${targetUri(address, runId, disk, portOf(disk))}`).join(',');
}
