import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { writerIn } from '../../host/files/pinned-folder.ts';
import { distrustOfFacts, distrustOfFolder, type Distrust } from '../../host/trust/distrust-of.ts';
import { ownerRemedy } from './state-error.ts';
import { assertFolderPlace } from './state-place.ts';

/**
 * The database says which files a recovery removes, and logs are written beside it by name: nobody else may have made it, or be able to put
 * something in its place. Groups are not looked at: the volume of a container belongs to one.
 * @throws SendenseError `state.unusable`
 */
export function assertOwnState(path: string): void {
  const facts = statSync(path, { throwIfNoEntry: false });
  const distrust = distrustOfStateFolder(dirname(path)) ?? (facts && distrustOfFacts(path, facts, { group: 'any' }));
  if (!distrust) return;
  throw new SendenseError('state.unusable', `Sendense does not open the state database ${path}: ${distrust.message}`, {
    remedy:
      ownerRemedy(path).remedy ??
      `${distrust.remedy}. Or name another place in sendense.yaml: state: /var/lib/sendense/sendense.db`,
  });
}

/** As {@link assertOwnState}, of the state folder of a node. */
export function assertOwnStateFolder(folder: string): void {
  assertFolderPlace(folder, `the state folder ${folder}`);
  const distrust = distrustOfStateFolder(folder);
  if (distrust === null) return;
  throw new SendenseError('state.unusable', `Sendense does not use the state folder ${folder}: ${distrust.message}`, {
    remedy: `${distrust.remedy}. Or name another folder with --state-dir.`,
  });
}

const distrustOfStateFolder = (folder: string): Distrust | null =>
  distrustOfFolder(resolve(folder), { group: 'any', writerIn });
