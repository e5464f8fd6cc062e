import { isAbsolute, resolve } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { isWithin, realFolder } from '../../host/files/future-folder.ts';

/** Where on the hub requests may let something be written. */
export interface AllowedPlaces {
  /** `hub: restoreTo`. */
  readonly restoreTo: readonly string[];
  /** From which those are relative. */
  readonly settingsFolder: string;
}

/**
 * A place of the hub that a request names. It may be missing; links on the way to it are followed.
 * @throws SendenseError `request.invalid`, `target.not-allowed`
 */
export async function assertAllowed(
  { restoreTo, settingsFolder }: AllowedPlaces,
  field: string,
  path: unknown,
): Promise<void> {
  if (typeof path !== 'string' || !isAbsolute(path) || path.includes('\0'))
    throw new SendenseError('request.invalid', `${field} is not an absolute path of the hub`, {
      remedy: 'Write the whole path, from /.',
      details: { field },
    });
  const place = resolve(path);
  const wanted = await realFolder(place);
  for (const allowed of restoreTo) {
    const folder = resolve(settingsFolder, allowed);
    const real = await realFolder(folder);
    if (isWithin(wanted, real) && (isWithin(place, folder) || isWithin(place, real))) return;
  }
  const list = restoreTo.map((folder) => resolve(settingsFolder, folder)).join(', ');
  throw new SendenseError(
    'target.not-allowed',
    restoreTo.length === 0
      ? `${field}: ${path} is on the hub, and no folder of the hub is open to requests`
      : `${field}: ${path} lies below none of ${list}`,
    { details: { field } },
  );
}
