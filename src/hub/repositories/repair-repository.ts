import { randomUUID } from 'node:crypto';
import { link } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import { contextsIn } from '../../repository/stored-files/read-context.ts';
import { emptyTrash, moveToTrash, removeEmptyFolders, trashName } from '../../repository/stored-files/trash.ts';
import { markerName, trashFolder } from '../../repository/layout.ts';
import { manifestNames } from '../../repository/manifest-ids.ts';
import { readManifest } from '../../repository/manifest.ts';
import { findRepository, makeMarker, markerFault, type Repository } from '../../repository/open-repository.ts';
import type { RepairOutput } from '../../schemas/types.ts';
import { keepRepositoryId, knownRepositoryId } from '../../state/points/repository-ids.ts';
import { points } from '../../state/points/restore-points.ts';
import type { Services } from '../../steps/services.ts';

/** Together one second. */
const mostTries = 20;

type Parts = Pick<Services, 'state' | 'repositoryPath'>;

/**
 * Makes the marker of a repository again, where it was lost or damaged. Two hubs may do so at once: the first one's marker stays.
 * @throws SendenseError `repository.unusable` where what is there may be another repository, or none
 */
export async function repairRepository({ state, repositoryPath }: Parts, name: string): Promise<RepairOutput> {
  const root = repositoryPath(name);
  const known = knownRepositoryId(state, name);
  const output = { version: 1, repository: name, path: root } as const;
  const there = await findRepository(name, root).catch(() => null);
  if (there) {
    assertSame(name, root, there.id, known);
    return { ...output, id: there.id, made: false, put_aside: null };
  }
  await assertOwnPoints({ state, name, root });
  const aside = await putAside(root);
  const made = await makeUntilSeen(name, root, known ?? randomUUID());
  // Another hub may have been quicker.
  assertSame(name, root, made.id, known);
  keepRepositoryId(state, name, made.id);
  return { ...output, id: made.id, made: true, put_aside: aside };
}

/** Another hub that repairs it, too, may take the marker away for a moment, see {@link putAside}. */
async function makeUntilSeen(name: string, root: string, id: string): Promise<Repository> {
  for (let left = mostTries; left > 0; left -= 1) {
    await makeMarker(root, id);
    const made = await findRepository(name, root).catch(() => null);
    if (made) return made;
    await delay(50);
  }
  // In its own words, if there are any.
  const made = await findRepository(name, root);
  if (made) return made;
  throw unusable(name, `${root} vanished`, 'Mount it, and try again.');
}

function assertSame(name: string, root: string, id: string, known: string | undefined): void {
  if (known === undefined || known === id) return;
  throw unusable(
    name,
    `${root} is the repository ${id}, and this hub knows another one by that name: ${known}`,
    `Mount the right one, or correct its path in sendense.yaml. If another hub has made ${markerName} again, \`sendense-run repo import ${name}\` takes its id over.`,
  );
}

/** A folder is a repository by what is in it: restore points, and where this hub knows some, at least one of those. */
async function assertOwnPoints({
  state,
  name,
  root,
}: Pick<Parts, 'state'> & { name: string; root: string }): Promise<void> {
  const found = new Set<string>();
  for (const context of await contextsIn(root).catch((error: Error) =>
    refuse(name, `${root} cannot be listed: ${error.message}`),
  ))
    for (const file of await manifestNames(root, context).catch(() => [])) {
      const manifest = await readManifest(join(root, context, file)).catch(() => null);
      if (manifest?.vm.context === context) found.add(`${context}/${manifest.backup_id}`);
    }
  if (found.size === 0) return refuse(name, `${root} holds no restore point that can be read`);
  const known = points(state, { repository: name });
  if (known.length > 0 && !known.some(({ vm, backup_id: id }) => found.has(`${vm.context}/${id}`)))
    refuse(name, `${root} holds none of the ${known.length} restore points that this hub knows of it, but others`);
}

function refuse(name: string, why: string): never {
  throw unusable(name, why, 'Mount the repository, or correct its path in sendense.yaml.');
}

const unusable = (name: string, why: string, remedy: string): SendenseError =>
  new SendenseError('repository.unusable', `repository ${name}: ${why}`, { remedy });

/** A damaged marker goes to the trash. If another hub has made a sound one in between, that one is put back. */
async function putAside(root: string): Promise<string | null> {
  const trash = `${trashName(Date.now())}-${randomUUID().slice(0, 8)}`;
  try {
    await moveToTrash(root, trash, markerName, null);
  } catch (error) {
    // It was lost, or another hub was quicker.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await removeEmptyFolders(root, join(trashFolder, trash));
    return null;
  }
  const aside = join(trashFolder, trash, markerName);
  if ((await markerFault(join(root, trashFolder, trash))) !== null) return aside;
  await link(join(root, aside), join(root, markerName)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await emptyTrash(root, trash);
  return null;
}
