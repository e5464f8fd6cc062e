import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { imageTarget, type ImageKey, type ImageTarget } from '../host/images/image-options.ts';
import { serveNbd, type NbdServer, type ServeOptions } from '../host/nbd/qemu-nbd.ts';
import { makeRunFolder } from '../host/programs/run-folder.ts';

/** The run folder of a run's servers for reading back: apart from those that it writes to. */
export const readFolderId = (runId: string): string => `${runId}-read`;

/** Serves an image of the repository read-only on a Unix socket, to be read back. */
export async function serveReadOnly(
  file: string,
  format: string,
  folderId: string,
  signal?: AbortSignal,
  key: ImageKey | null = null,
): Promise<NbdServer> {
  const image = format === 'qcow2' ? await imageTarget(file, { key }) : undefined;
  return serveToRead({ file, format, image, signal }, folderId);
}

/** Serves an image read-only on a Unix socket in a run folder. */
export async function serveToRead(
  what: Pick<ServeOptions, 'file' | 'format' | 'cwd' | 'signal'> & { readonly image?: ImageTarget | undefined },
  folderId: string,
): Promise<NbdServer> {
  const folder = await makeRunFolder(folderId);
  const name = `read-${randomBytes(4).toString('hex')}`;
  return serveNbd({
    ...what,
    readOnly: true,
    listen: { socket: join(folder, `${name}.sock`) },
    exportName: '',
    pidFile: join(folder, `${name}.pid`),
  });
}
