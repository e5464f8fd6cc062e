import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { socketPath } from '../host/files/socket-path.ts';
import { startServer } from '../host/programs/start-server.ts';
import { startFile } from '../schemas/package.ts';
import type { BootRow } from '../state/boots/boots.ts';
import { bootMachineOf, groupOf } from './boot-machine.ts';

const startMs = 60_000;

/** Its socket is in the folder in which the folders of the VMs are. */
export const switchName = (group: string): string => `${group}.sock`;

/**
 * Makes sure that there is the network that a VM has with others, where it has one. What makes it ends by itself when the last VM has gone.
 * @throws SendenseError `boot.failed`
 */
export async function joinGroup(row: BootRow, signal?: AbortSignal): Promise<void> {
  const group = groupOf(bootMachineOf(row).network);
  if (group === null) return;
  const folder = dirname(row.folder);
  const name = switchName(group);
  const path = join(folder, name);
  if (await answers(path)) return;
  // One that was killed left it there.
  await rm(path, { force: true });
  const { identity, end } = await startServer(process.execPath, [startFile('host/net/switch-child'), name], {
    cwd: folder,
    lastingLog: join(folder, 'network.log'),
    isReady: () => answers(path),
    timeoutMs: startMs,
    signal,
  });
  // Another one was quicker.
  if (!identity && !(await answers(path)))
    throw new SendenseError('boot.failed', `the network of ${group} cannot be made: ${end?.said ?? ''}`);
}

const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(socketPath(path));
    const tell = (is: boolean) => (): void => {
      socket.destroy();
      resolve(is);
    };
    socket.once('connect', tell(true)).once('error', tell(false));
  });
