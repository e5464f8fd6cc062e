import { chmod, open, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { freeBytes, fsyncFile } from '../../host/files/files.ts';
import { flushedMeanwhile } from '../../host/files/flushed-meanwhile.ts';
import type { PinnedFolder } from '../../host/files/pinned-folder.ts';
import { imageTarget } from '../../host/images/image-options.ts';
import {
  convertArgs,
  convertImage,
  createOverlay,
  createOverlayArgs,
  type ConvertOptions,
} from '../../host/images/qemu-img.ts';
import { appendTo } from '../append-file.ts';
import { copyProgress } from '../copy-progress.ts';
import { packDisk } from '../pack-disk.ts';
import type { RestoredDisk, RestoreRequest, RestoreRun, WrittenDisk } from '../target-kind.ts';
import { writeFolderId, type DiskNames } from './disk-names.ts';
import { formatOf } from './formats.ts';

type Request = RestoreRequest<'directory'>;

/** A file by a name that counts from a folder. */
interface Place {
  readonly to: string;
  readonly cwd: string;
}

/** The command that {@link writeDisk} would start; null: it writes the file itself. */
export async function commandOf(
  { to, from }: Request,
  disk: RestoredDisk,
  { temporary }: DiskNames,
): Promise<string[] | null> {
  if (formatOf(to).isStream) return null;
  if (to.thin) return ['qemu-img', ...createOverlayArgs(temporary, disk.file, disk.capacity_bytes)];
  return ['qemu-img', ...convertArgs(await convertOptions({ to, from }, disk, temporary))];
}

/** Writes a disk under its temporary name. @param parts the folder that it is in */
export async function writeDisk(
  request: Request,
  disk: RestoredDisk,
  names: DiskNames,
  parts: PinnedFolder,
  run: RestoreRun,
): Promise<WrittenDisk> {
  const { thin } = request.to;
  const name = basename(names.temporary);
  const part = `${parts.path}/${name}`;
  // Not by the names of the folders above it: others may put something else in their place.
  const place: Place = { to: `./${name}`, cwd: parts.path };
  if (thin) await createOverlay(place.to, disk.file, disk.capacity_bytes, run.signal, place.cwd);
  else if (formatOf(request.to).isStream) await streamDisk(request, disk, basename(names.file), part, run);
  else await flushedMeanwhile(part, copyDisk(request, disk, names, place, run));
  await chmod(part, 0o600);
  await fsyncFile(part);
  // Of a copy the whole disk, whatever holes it has; of an overlay what it takes, for the disk stays in the repository.
  return {
    ...names,
    format: formatOf(request.to).driver,
    bytes_written: thin ? (await stat(part)).size : disk.capacity_bytes,
  };
}

async function convertOptions(
  { to, from }: Pick<Request, 'to' | 'from'>,
  disk: RestoredDisk,
  file: string,
): Promise<ConvertOptions> {
  const keys = await from.keys();
  const { driver, options } = formatOf(to);
  return {
    from: await imageTarget(disk.file, { key: keys.of(disk) }),
    to: file,
    toFormat: driver,
    toOptions: options?.(to),
  };
}

async function streamDisk(
  { from }: Request,
  disk: RestoredDisk,
  name: string,
  part: string,
  run: RestoreRun,
): Promise<void> {
  await using handle = await open(part, 'wx', 0o600);
  const content = appendTo(handle, 0);
  const key = (await from.keys()).of(disk);
  await packDisk({ disk, name, adapter: 'lsilogic', key, folderId: writeFolderId(run.runId), run }, content.append);
  await content.end();
}

async function copyDisk(
  request: Request,
  disk: RestoredDisk,
  names: DiskNames,
  { to, cwd }: Place,
  run: RestoreRun,
): Promise<void> {
  const options = await convertOptions(request, disk, to);
  const report = copyProgress(run, names.disk, disk.capacity_bytes);
  try {
    await convertImage({
      ...options,
      cwd,
      signal: run.signal,
      onProgress: report,
    });
  } catch (error) {
    if (error instanceof SendenseError && error.code === 'disk.full') {
      throw new SendenseError(
        'disk.full',
        `no space for ${names.file}: ${await freeBytes(dirname(names.file))} bytes are free; ${error.message}`,
        { cause: error },
      );
    }
    throw error;
  }
  report(1);
}
