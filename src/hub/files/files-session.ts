import { chownSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { layersOf, type ImageLayer } from '../../host/images/image-layers.ts';
import { targetOf, type ImageTarget } from '../../host/images/image-options.ts';
import { serveNbd, type NbdServer } from '../../host/nbd/qemu-nbd.ts';
import { selectPoint } from '../../restore-points/choose/select-point.ts';
import { settleAll } from '../../restore-points/settle-all.ts';
import type { PointChoice, PointSelectOutput } from '../../schemas/types.ts';
import { dropMount, keepMount } from '../../state/files/restore-mounts.ts';
import { filesRun } from '../../state/runs/files-run.ts';
import { usePoint } from '../../state/points/point-uses.ts';
import type { Services } from '../../steps/services.ts';
import type { Volume } from '../../files/protocol.ts';
import type { Reader, ReaderDisk } from '../../files/reader/start-reader.ts';
import { storedIn } from '../../files/reader/stored.ts';
import type { Spare } from '../../files/reader/spare.ts';
import { rememberFiles } from './remember-files.ts';
import { watchServers } from './watch-servers.ts';
import { maintenanceRun } from '../repositories/maintenance-run.ts';

export interface FilesRequest {
  readonly repository: string;
  readonly vm: string;
  readonly choice: PointChoice;
  readonly identity?: string | undefined;
  readonly signal: AbortSignal;
}

/** A restore point whose files are read. */
export interface FilesSession {
  /** Of the run that holds the restore point. */
  readonly id: string;
  readonly point: PointSelectOutput;
  readonly remark: string | null;
  /** Name of the way to read. */
  readonly reader: string;
  readonly volumes: readonly Volume[];
  readonly ask: Reader['ask'];
  readonly read: Reader['read'];
  readonly archive: Reader['archive'];
  readonly places: Reader['places'];
  /** Resolves with the reason when its reader, or what serves a disk to it, is gone. */
  readonly gone: Promise<string>;
  /** Whether its disks are served, from files that are as they were: known at once, before {@link gone} says it. */
  readonly isServed: () => Promise<boolean>;
}

/**
 * Opens a restore point for `work`: its disks are served read-only to a reader. Until that ends, nothing of the restore point is removed
 * or merged.
 * @param spare a reader that waits; taken
 * @throws SendenseError `point.unknown`, `vm.identity`, `chain.damaged`, `repository.unusable`, `repository.key`, `files.reader`, `tool.missing`
 */
export function withFiles<T>(
  services: Services,
  spare: Spare,
  { repository, vm, choice, identity, signal }: FilesRequest,
  work: (session: FilesSession) => Promise<T>,
): Promise<T> {
  return maintenanceRun(services.state, { name: filesRun, vm, repository }, async (run) => {
    await services.existingRepository(repository);
    const input = {
      repository,
      vm: { name: vm, ...(identity === undefined ? {} : { identity }) },
      point: choice,
      verify: false,
    };
    const { output, remark } = await selectPoint(services, input, signal, (point) =>
      usePoint(services.state, run.id, { repository, context: point.vm.context, backupId: point.backup_id }),
    );
    const mounted = { repository, context: vm, backupId: output.backup_id };
    keepMount(services.state, run.id, mounted);
    await using stack = new AsyncDisposableStack();
    stack.defer(() => dropMount(services.state, run.id));
    const reader = stack.use(await spare.take(output.disks.length));
    const keys = await services.imageKeys(repository);
    const stored = await Promise.all(output.disks.map(async (disk) => ({ disk, layers: await layersOf(disk.file) })));
    const changed = await rememberFiles(stored.flatMap(({ layers }) => layers.map(({ file }) => file)));
    const served = stored.map(({ disk, layers }) => {
      const key = keys.of({ encryption: disk.encryption });
      return serveDisk(
        reader,
        { ...disk, bytes: disk.capacity_bytes },
        { layers, image: targetOf(layers, { key }) },
        signal,
      );
    });
    const disks = (await settleAll(served)).map(({ server, disk }) => {
      stack.use(server);
      return { ...disk, server };
    });
    const watch = stack.use(
      watchServers(
        disks.map(({ server }) => server.process),
        changed,
      ),
    );
    const volumes = await watch.told(() => reader.plug(disks, signal));
    return await work({
      id: run.id,
      point: output,
      remark,
      reader: reader.kind.name,
      volumes,
      ask: (name, ask, options) => watch.told(() => reader.ask(name, ask, options)),
      read: (asked, options) => watch.told(() => reader.read(asked, options)),
      archive: (asked, options) => watch.told(() => reader.archive(asked, options)),
      places: (asked, until) => watch.told(() => reader.places(asked, until)),
      gone: Promise.race([reader.gone, watch.gone]),
      isServed: watch.isWhole,
    });
  });
}

interface Served {
  readonly server: NbdServer;
  readonly disk: ReaderDisk;
}

async function serveDisk(
  reader: Reader,
  { number, bytes, file }: { readonly number: number; readonly bytes: number; readonly file: string },
  { layers, image }: { readonly layers: readonly ImageLayer[]; readonly image: ImageTarget },
  signal: AbortSignal,
): Promise<Served> {
  const socket = `disk-${number}`;
  const path = join(reader.sockets, socket);
  const server = await serveNbd({
    file,
    format: 'qcow2',
    image,
    readOnly: true,
    listen: { socket: path },
    exportName: '',
    pidFile: join(reader.folder, `${socket}.pid`),
    signal,
  });
  // The sandbox works as another user where this process is root.
  const { uid, gid } = statSync(reader.sockets);
  chownSync(path, uid, gid);
  return { server, disk: { number, bytes, socket, find: storedIn(layers, image) } };
}
