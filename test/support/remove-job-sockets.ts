import { glob } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { removeRunFolder } from '../../src/host/programs/run-folder.ts';
import { jobFolderIn } from '../../src/node/jobs/job-folder.ts';

/**
 * Jobs that are still in the state folders of nodes below `folder` keep their folders for sockets until a node removes them. Whoever
 * deletes such a state folder with the jobs of killed clients in it does what no node will do any more.
 */
export async function removeJobSockets(folder: string): Promise<void> {
  for await (const found of glob('{,*/,*/*/}jobs/*', { cwd: folder })) {
    const path = join(folder, found);
    await removeRunFolder(jobFolderIn(dirname(dirname(path)), basename(path)).socketsId);
  }
}
