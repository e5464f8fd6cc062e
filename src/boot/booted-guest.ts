import { readEnd } from '../host/files/read-end.ts';
import { foundNothing, type Guest } from '../host/images/qemu-system.ts';
import { isRunning } from '../host/programs/process-identity.ts';
import type { BootRow } from '../state/boots/boots.ts';
import { firmwareLog, serialLog } from './boot-files.ts';
import { atMonitor, guestProcess } from './monitor.ts';

/** What a look at a guest needs, of a VM that runs from a restore point. Who looks after it writes down what it says. */
export type BootedGuest = Omit<Guest, 'process' | typeof Symbol.asyncDispose>;

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
    // It has no port for one.
    agentAnswers: async () => false,
    screenshot: (file, format) => takeScreenshot({ folder }, file, format),
  };
}

/** Writes what the screen of a VM shows. @throws SendenseError `boot.failed` */
export const takeScreenshot = async (
  { folder }: Pick<BootRow, 'folder'>,
  file: string,
  format: 'png' | 'ppm',
): Promise<void> => void (await atMonitor(folder, (ask) => ask('screendump', { filename: file, format })));
