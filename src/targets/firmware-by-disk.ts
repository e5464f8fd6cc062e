import { imageTarget } from '../host/images/image-options.ts';
import { readImageStart } from '../host/images/image-start.ts';
import { makeRunFolder, removeRunFolder } from '../host/programs/run-folder.ts';
import { gptBytes, needsUefi } from '../restore-points/verify/needs-uefi.ts';
import type { RestoredDisk, RestoredFrom } from './target-kind.ts';

/** What starts the first disk, as it looks: for where nothing was saved and nobody has said it. */
export async function firmwareByDisk(
  [first]: readonly RestoredDisk[],
  from: RestoredFrom,
  { folderId, signal }: { readonly folderId: string; readonly signal: AbortSignal },
): Promise<'bios' | 'efi'> {
  if (!first) return 'bios';
  const image = await imageTarget(first.file, { key: (await from.keys()).of(first) });
  try {
    const folder = await makeRunFolder(folderId);
    return needsUefi(await readImageStart(image, { bytes: gptBytes, folder, signal })) ? 'efi' : 'bios';
  } finally {
    await removeRunFolder(folderId);
  }
}
