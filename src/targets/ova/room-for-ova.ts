import { freeBytes } from '../../host/files/files.ts';
import { nearestFolder } from '../../host/files/future-folder.ts';
import { imageTarget } from '../../host/images/image-options.ts';
import { measureImage } from '../../host/images/qemu-img.ts';
import { sizeText } from '../../repository/stored-files/size.ts';
import type { RestoreRequest, RestoreRun } from '../target-kind.ts';

/** Nobody knows before how small the disks become: it is said where they may be too large. */
export async function warnOfRoom(
  { disks, from }: RestoreRequest<'ova'>,
  directory: string,
  { signal, log }: Pick<RestoreRun, 'signal' | 'log'>,
): Promise<void> {
  const free = await freeBytes(await nearestFolder(directory));
  if (disks.reduce((sum, disk) => sum + disk.capacity_bytes, 0) <= free) return;
  const keys = await from.keys();
  let most = 0;
  for (const disk of disks) most += await measureImage(await imageTarget(disk.file, { key: keys.of(disk) }), signal);
  if (most <= free) return;
  log(`the disks hold ${sizeText(most)}, and ${sizeText(free)} are free at ${directory}: the OVA may be too large`);
}
