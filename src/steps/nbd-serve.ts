import { join } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { terminate } from '../host/process-identity.ts';
import { findByPidFile, qemuNbdArgs, serveNbd, type ServeOptions } from '../host/qemu-nbd.ts';
import { makeRunFolder, removeRunFolder, runFolderOf } from '../host/run-folder.ts';
import { tcpUri } from '../host/nbd-uri.ts';
import type { NbdServeInput, NbdServeOutput, NbdServer as ServerOutput } from '../schemas/types.ts';
import { defineStep } from './define-step.ts';

interface Claim {
  readonly folderId: string;
  readonly pidFiles: readonly string[];
}

const pidFileOf = (folderId: string, disk: string): string => join(runFolderOf(folderId), `${disk}.pid`);

export const nbdServe = defineStep<NbdServeInput, Claim, NbdServeOutput>({
  uses: 'nbd.serve',
  title: 'Serve the files with qemu-nbd',
  claim: (input, facts) => ({ folderId: facts.runId, pidFiles: input.disks.map(({ disk }) => pidFileOf(facts.runId, disk)) }),

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

  async undo({ signal }, claim) {
    for (const pidFile of claim.pidFiles) {
      const process = await findByPidFile(pidFile);
      if (process) await terminate(process, { graceMs: 10_000, signal });
    }
    await removeRunFolder(claim.folderId);
  },
});

function optionsFor(disk: string, input: NbdServeInput, runId: string): ServeOptions {
  const file = input.files.find((entry) => entry.disk === disk)?.file;
  const port = input.leases.find((entry) => entry.disk === disk)?.port;
  if (file === undefined || port === undefined) throw new SendenseError('run.internal', `${disk} has no file or no port`);
  return { file, format: 'qcow2', readOnly: false, listen: { port }, exportName: disk, pidFile: pidFileOf(runId, disk) };
}

/** `nbd_targets` of the design: `key:nbd://host:port/export,…` */
function targetsOf(input: NbdServeInput): string {
  return input.disks
    .map(({ disk, key }) => `${key}:${tcpUri('127.0.0.1', input.leases.find((lease) => lease.disk === disk)?.port ?? 0, disk)}`)
    .join(',');
}
