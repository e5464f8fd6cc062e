import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { socketPath } from '../host/files/socket-path.ts';
import { liveProcesses, terminate } from '../host/programs/process-identity.ts';
import { startServer } from '../host/programs/start-server.ts';
import { startFile } from '../schemas/package.ts';
import { listBoots, type BootRow } from '../state/boots/boots.ts';
import type { State } from '../state/database/open-state.ts';
import { groupOfBoot } from './boot-machine.ts';

const startMs = 60_000;

/** Its socket is in the folder in which the folders of the VMs are. */
export const switchName = (group: string): string => `${group}.sock`;

/**
 * Makes sure that there is the network that a VM has with others, where it has one. {@link leaveGroup} ends what makes it; without that it ends by itself some time after the last VM has gone.
 * @throws SendenseError `boot.failed`
 */
export async function joinGroup(row: BootRow, signal?: AbortSignal): Promise<void> {
  const group = groupOfBoot(row);
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

/** Ends the network that a VM had with others where none of them is known any more. The row of the VM is gone by now. */
export async function leaveGroup(state: State, row: BootRow): Promise<void> {
  const group = groupOfBoot(row);
  if (group === null) return;
  const name = switchName(group);
  const found = [...liveProcesses()].filter(
    ({ argv }) => argv.at(-1) === name && argv.some((arg) => /\/switch-child\.[jt]s$/.test(arg)),
  );
  if (listBoots(state).some((other) => groupOfBoot(other) === group)) return;
  await Promise.all(found.map(({ identity }) => terminate(identity)));
  const path = join(dirname(row.folder), name);
  // One that was killed left it there.
  if (!(await answers(path))) await rm(path, { force: true });
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
