import { SendenseError } from '../../errors/sendense-error.ts';
import type { ReachedFiles } from '../../files/client/files-client.ts';
import type { Services } from '../../steps/services.ts';
import type { Settings } from '../../schemas/types.ts';
import { limitsOf } from './file-limits.ts';
import { chosenReader } from './keeper-socket.ts';
import { createFileSessions, type KnownPoints } from './file-sessions.ts';
import { serveToSelf } from './serve-files.ts';

/** A run reads files in its own process: what it has opened ends with it, however it ends. This is the one place that decides so. */
export const filesForRun = (
  services: Services,
  settings: Pick<Settings, 'files'>,
  caller: string,
): Promise<ReachedFiles> =>
  serveToSelf(
    {
      files: async (folder) =>
        createFileSessions({ hub: byId, services, folder, reader: chosenReader(settings) }, limitsOf(settings)),
    },
    caller,
  );

/** A run knows which restore point of which repository it means. */
const byId: KnownPoints = {
  async choose({ choice }) {
    if (typeof choice === 'string') return { backup_id: choice };
    throw new SendenseError('run.internal', 'a run opens a restore point by its id');
  },
  async lines() {
    throw new SendenseError('run.internal', 'a run names the repository');
  },
};
