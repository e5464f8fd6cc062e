import { SendenseError } from '../../errors/sendense-error.ts';
import { isRunning } from '../../host/programs/process-identity.ts';
import { findByPidFile } from '../../host/nbd/qemu-nbd.ts';
import { pidFileOf } from '../nbd/data-address.ts';

const written = 'the disk was copied to it; what it held may be lost';

/**
 * Notes which qemu-nbd of this run serves each of the disks. A node cannot tell one that is gone from a network that is,
 * and would wait for it.
 * @param meanwhile what was going on
 * @returns throws `nbd.failed` where one of them has ended
 */
export async function watchServers(runId: string, disks: readonly string[], meanwhile = written): Promise<() => void> {
  const servers = await Promise.all(
    disks.map(async (disk) => ({ disk, server: await findByPidFile(pidFileOf(runId, disk)) })),
  );
  return () => {
    for (const { disk, server } of servers)
      if (server && !isRunning(server))
        throw new SendenseError('nbd.failed', `qemu-nbd of ${disk} (process ${server.pid}) ended while ${meanwhile}`, {
          remedy:
            'Find out what ended it, often a lack of memory: `journalctl -k` names what the kernel killed. Then start the run again.',
        });
  };
}
