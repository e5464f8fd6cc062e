import { chmod } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { shortText } from '../../machines/short-text.ts';
import { directoryTarget } from '../directory/directory-target.ts';
import type { DirectoryClaim } from '../directory/disk-names.ts';
import type { RestoreRequest, RestoreRun } from '../target-kind.ts';

/**
 * Writes disks into a folder of the hub for the QEMU of libvirt, which is another user: it gets through the folders that were made, and
 * sees nothing in them but what libvirt gives it.
 * @param isOpen false: it is not libvirt that gets them
 */
export async function writeForQemu(
  request: RestoreRequest<'directory'>,
  claim: DirectoryClaim,
  run: RestoreRun,
  isOpen: boolean,
) {
  let firstMade: unknown;
  const remember = (name: string, value: unknown): void => {
    if (name === 'firstMade') firstMade = value;
    run.remember(name, value);
  };
  const written = await directoryTarget.write(request, claim, { ...run, remember });
  if (isOpen && typeof firstMade === 'string')
    for (let folder = claim.directory; folder.length >= firstMade.length; folder = dirname(folder))
      await chmod(folder, 0o711);
  return written;
}

/** XML cannot hold the one, and makes spaces of the other: libvirt would take another file. @throws SendenseError `target.unfit` */
export function assertPlain(directory: string): void {
  if (!/\p{Cc}/u.test(directory)) return;
  throw new SendenseError('target.unfit', `the name of the folder ${shortText(directory)} has control characters`, {
    remedy: 'Name another folder.',
  });
}
