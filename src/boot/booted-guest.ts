import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readEnd } from '../host/files/read-end.ts';
import { readPicture, type Picture } from '../host/images/picture.ts';
import { socketPath } from '../host/files/socket-path.ts';
import { foundNothing, pingAgent } from '../host/images/qemu-system.ts';
import type { SeenGuest } from '../host/images/seen-guest.ts';
import { isRunning } from '../host/programs/process-identity.ts';
import type { BootRow } from '../state/boots/boots.ts';
import { agentName, firmwareLog, serialLog } from './boot-files.ts';
import { atMonitor, guestProcess } from './monitor.ts';

/** What a look at a guest needs, of a VM that runs from a restore point. Who looks after it writes down what it says. */
export interface BootedGuest extends SeenGuest {
  isRunning(): boolean;
}

/** So much of the end is searched, bytes. */
const searched = 1024 * 1024;

/** Null: it does not run. */
export async function bootedGuest({ folder }: Pick<BootRow, 'folder'>): Promise<BootedGuest | null> {
  const process = await guestProcess(folder);
  if (process === null) return null;
  const serial = (): Promise<string> => readEnd(serialLog(folder), searched);
  return {
    isRunning: () => isRunning(process),
    serial,
    foundNothing: async () => foundNothing(await readEnd(firmwareLog(folder), searched), await serial()),
    // Where it has no port for one, there is no socket.
    agentAnswers: () => pingAgent(socketPath(join(folder, agentName))),
    picture: () => pictureOf({ folder }),
  };
}

/** Only the owner gets into the folder: what a screen shows may be a secret. */
async function pictureOf({ folder }: Pick<BootRow, 'folder'>): Promise<Picture | null> {
  const file = join(folder, 'screen.ppm');
  try {
    await takeScreenshot({ folder }, file, 'ppm');
    const content = await readFile(file);
    await rm(file, { force: true });
    return readPicture(content);
  } catch {
    return null;
  }
}

/** Writes what the screen of a VM shows. @throws SendenseError `boot.failed` */
export const takeScreenshot = async (
  { folder }: Pick<BootRow, 'folder'>,
  file: string,
  format: 'png' | 'ppm',
): Promise<void> => void (await atMonitor(folder, (ask) => ask('screendump', { filename: file, format })));
