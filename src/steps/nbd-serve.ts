import { join } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { qemuNbdArgs, serveNbd, type ServeOptions } from '../host/qemu-nbd.ts';
import { clearRunFolder, makeRunFolder, removeRunFolder, runFolderOf } from '../host/run-folder.ts';
import { tcpUri } from '../host/nbd-uri.ts';
import type { NbdServeInput, NbdServeOutput, NbdServer as ServerOutput } from '../schemas/types.ts';
import { defineStep } from './define-step.ts';

/** Every server of the run has its pid file in this folder, and says so on its command line. */
interface Claim {
  readonly folder: string;
}

export const nbdServe = defineStep<NbdServeInput, Claim, NbdServeOutput>({
  uses: 'nbd.serve',
  title: 'Serve the files with qemu-nbd',
  claim: (_input, facts) => ({ folder: runFolderOf(facts.runId) }),

  async plan(context, input) {
    const servers = input.disks.map((disk) => optionsFor(disk.disk, input, context.runId));
    return {
      effects: servers.map((options) => ({
        action: 'run',
        target: options.exportName,
        detail: 'ends with the run',
        argv: ['qemu-nbd', ...qemuNbdArgs(options)],
      })),
      output: { servers: [], targets: targetsOf(input) },
    };
  },

  async run(context, input) {
    const folder = await makeRunFolder(context.runId);
    context.scope.defer(() => removeRunFolder(context.runId));
    const servers: ServerOutput[] = [];
    for (const { disk } of input.disks) {
      const options = { ...optionsFor(disk, input, context.runId), signal: context.signal };
      const server = context.scope.use(await serveNbd(options));
      const port = 'port' in options.listen ? options.listen.port : 0;
      servers.push({ disk, port, export: options.exportName, uri: server.uri, file: options.file, process: server.process });
      context.remember(disk, server.process);
    }
    context.log(`serving ${servers.length} disks, pid files in ${folder}`);
    return { servers, targets: targetsOf(input) };
  },

  undo: ({ signal }, claim) => clearRunFolder(claim.folder, signal),
});

function optionsFor(disk: string, input: NbdServeInput, runId: string): ServeOptions {
  const file = input.files.find((entry) => entry.disk === disk)?.file;
  const port = input.leases.find((entry) => entry.disk === disk)?.port;
  if (file === undefined || port === undefined) throw new SendenseError('run.internal', `${disk} has no file or no port`);
  return { file, format: 'qcow2', readOnly: false, listen: { port }, exportName: disk, pidFile: join(runFolderOf(runId), `${disk}.pid`) };
}

/** `nbd_targets` of the design: `key:nbd://host:port/export,…` */
function targetsOf(input: NbdServeInput): string {
  return input.disks
    .map(({ disk, key }) => `${key}:${tcpUri('127.0.0.1', input.leases.find((lease) => lease.disk === disk)?.port ?? 0, disk)}`)
    .join(',');
}
