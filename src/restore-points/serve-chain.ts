import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { imageTarget, overlayTarget, type ImageKey } from '../host/images/image-options.ts';
import { serveNbd, type NbdServer } from '../host/nbd/qemu-nbd.ts';
import { makeRunFolder } from '../host/programs/run-folder.ts';

/** The run folder of a run's servers for reading back: apart from those that it writes to. */
export const readFolderId = (runId: string): string => `${runId}-read`;

/**
 * Serves an image of the repository or a restored one read-only on a Unix socket, to be read back.
 * @param on the image of the repository that `file` is an overlay of, which this process has made
 */
export async function serveReadOnly(
  file: string,
  format: string,
  folderId: string,
  signal?: AbortSignal,
  key: ImageKey | null = null,
  on: string | null = null,
): Promise<NbdServer> {
  const image =
    on !== null
      ? await overlayTarget(file, on, { key, encrypted: false })
      : format === 'qcow2'
        ? await imageTarget(file, { key })
        : undefined;
  const folder = await makeRunFolder(folderId);
  const name = `read-${randomBytes(4).toString('hex')}`;
  return serveNbd({
    file,
    format,
    image,
    readOnly: true,
    listen: { socket: join(folder, `${name}.sock`) },
    exportName: '',
    pidFile: join(folder, `${name}.pid`),
    signal,
  });
}
