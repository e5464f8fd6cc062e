import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pngOf } from '../../host/images/picture.ts';
import type { SeenGuest } from '../../host/images/seen-guest.ts';

/** Keeps what the screen of a guest shows, as PNG, for the owner only. @returns null where there is none: the guest has ended */
export async function keepPicture(guest: SeenGuest, file: string): Promise<string | null> {
  if (!(await guest.isRunning())) return null;
  const picture = await guest.picture();
  if (picture === null) return null;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, pngOf(picture), { mode: 0o600 });
  return file;
}

/** Where the picture of a guest that a run has started is kept: beside the log of the run. */
export const pictureFile = (statePath: string, runId: string, vm: string): string =>
  join(dirname(statePath), 'logs', `${runId.slice(0, 4)}-${runId.slice(4, 6)}`, `${runId}-${vm}.png`);
