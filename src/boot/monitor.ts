import { join } from 'node:path';
import { socketPath } from '../host/files/socket-path.ts';
import { connectJsonSocket } from '../host/images/qmp.ts';
import { processOfPidFile } from '../host/programs/process-of-pid-file.ts';
import type { ProcessIdentity } from '../schemas/types.ts';
import { guestPidFile, monitorName } from './boot-files.ts';

/** Asks the QEMU of a VM. @throws SendenseError `boot.failed` */
export type Ask = (command: string, args?: object) => Promise<unknown>;

/** QEMU can be silent for as long as a disk waits for its server. */
const patienceMs = 40_000;
/** For those who only look. */
export const lookMs = 5_000;

/** One conversation at a time: others wait until it is over. @throws SendenseError `boot.failed` */
export async function atMonitor<T>(folder: string, act: (ask: Ask) => Promise<T>, timeoutMs = patienceMs): Promise<T> {
  using socket = await connectJsonSocket(socketPath(join(folder, monitorName)), {
    timeoutMs,
    name: 'the QEMU of the VM',
    code: 'boot.failed',
  });
  await socket.ask('qmp_capabilities');
  return await act(socket.ask);
}

/** The QEMU of a VM; null: it does not run. */
export const guestProcess = (folder: string): Promise<ProcessIdentity | null> => {
  const file = guestPidFile(folder);
  return processOfPidFile(file, (argv) => argv.includes(file));
};

/** What QEMU says of the guest: `running`, `paused`, `io-error`, `internal-error`, …. Source: QEMU, qapi/run-state.json. */
export async function runState(ask: Ask): Promise<string> {
  const { status } = (await ask('query-status')) as { readonly status: string };
  return status;
}
