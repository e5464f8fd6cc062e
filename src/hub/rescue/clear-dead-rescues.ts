import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deadRescueFolders, removeRunFolder, runFolderOf } from '../../host/programs/run-folder.ts';
import { noKeys } from '../../repository/image-keys.ts';
import type { Hub } from '../hub.ts';
import { rescueName, type Rescue } from './rescue.ts';

/**
 * Takes back what rescues of this user left whose process was killed: half-written disks, and their folders. What cannot be taken back is
 * told, and tried again by the next rescue.
 * @param open the hub of a rescue
 */
export async function clearDeadRescues(open: (rescue: Rescue) => Promise<Hub>): Promise<string[]> {
  const troubles: string[] = [];
  for (const id of await deadRescueFolders()) {
    // Another rescue may be at it, too.
    const left = await recovered(id, open).catch(() => []);
    if (left.length === 0) await removeRunFolder(id).catch(() => undefined);
    troubles.push(...left);
  }
  return troubles;
}

async function recovered(id: string, open: (rescue: Rescue) => Promise<Hub>): Promise<string[]> {
  const settingsFile = join(runFolderOf(id), 'sendense.yaml');
  const { repositories } = JSON.parse(await readFile(settingsFile, 'utf8')) as {
    repositories: Record<string, { path: string }>;
  };
  const root = repositories[rescueName]?.path ?? '';
  await using hub = await open({
    root,
    settingsFile,
    keys: noKeys,
    refused: new Map(),
    warnings: [],
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
  const { runs } = await hub.recover();
  return runs.flatMap(({ errors }) =>
    errors.map(({ message }) => `what a rescue that was killed wrote is still there: ${message}`),
  );
}
