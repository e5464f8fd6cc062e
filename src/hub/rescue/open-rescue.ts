import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { writeNewFile } from '../../host/files/files.ts';
import { namedFull, temporaryPlace } from '../../host/files/full-disk.ts';
import { makeRunFolder, ownFolderId, removeRunFolder } from '../../host/programs/run-folder.ts';
import { readSecret } from '../../host/system/secret.ts';
import { contextsIn } from '../../repository/stored-files/read-context.ts';
import { imageKey, imageKeys, type ImageKeys } from '../../repository/image-keys.ts';
import { markerName } from '../../repository/layout.ts';
import { manifestNames } from '../../repository/manifest-ids.ts';
import { findRepository } from '../../repository/open-repository.ts';
import type { ImportOutput, Secret } from '../../schemas/types.ts';
import { openState } from '../../state/database/open-state.ts';
import { importRepository } from '../import/import-repository.ts';
import { keyWays, rescueName, type Rescue } from './rescue.ts';

export interface RescueRequest {
  /** As the user wrote it. */
  readonly path: string;
  /** Where the keys of encrypted images are. */
  readonly keys: readonly Secret[];
}

/** More are not told one by one. */
const mostRefused = 10;

/**
 * Reads the manifests of a repository into a database in a private folder. Nothing is written to the repository.
 * @throws SendenseError `repository.unusable`, `repository.key`, `secret.unreadable`, `state.unusable`
 */
export async function openRescue(request: RescueRequest): Promise<Rescue> {
  try {
    return await opened(request);
  } catch (error) {
    const { code, message } = namedFull(error, [temporaryPlace()]);
    if (code !== 'disk.full') throw error;
    throw new SendenseError(code, message, { remedy: moreRoom, cause: error });
  }
}

/** All that a rescue writes is there. */
const moreRoom =
  'A rescue keeps what it reads of the manifests in temporary files. Name a folder that has space, some 10 kB for each restore point: TMPDIR=/var/tmp sendense-run …';

async function opened({ path, keys: secrets }: RescueRequest): Promise<Rescue> {
  const root = resolve(path);
  const keys = await readKeys(root, secrets);
  const found = await lookAt(root);
  await using stack = new AsyncDisposableStack();
  const id = ownFolderId('rescue');
  const folder = await makeRunFolder(id);
  stack.defer(() => removeRunFolder(id));
  const settingsFile = join(folder, 'sendense.yaml');
  const statePath = join(folder, 'sendense.db');
  await writeNewFile(
    settingsFile,
    JSON.stringify({ version: 1, state: statePath, repositories: { [rescueName]: { path: root } } }),
  );
  const imported = await importAll(statePath, root);
  const kept = stack.move();
  return {
    root,
    settingsFile,
    keys,
    refused: new Map(imported.refused.map(({ path: file, message }) => [file, message])),
    warnings: [...found, ...refusedLines(imported)],
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function importAll(statePath: string, root: string): Promise<ImportOutput> {
  using state = openState(statePath);
  return await importRepository({ state, repository: rescueName, root });
}

function refusedLines({ refused }: ImportOutput): string[] {
  const more = refused.length - mostRefused;
  return [
    ...refused.slice(0, mostRefused).map(({ path, message }) => `${path} is left out: ${message}`),
    ...(more > 0 ? [`${more} more are left out; \`sendense-run check --repository PATH --quick\` names them`] : []),
  ];
}

/** Read once: a key may come from a pipe, or from a command that asks. */
async function readKeys(root: string, secrets: readonly Secret[]): Promise<ImageKeys> {
  const read = [];
  for (const secret of secrets) {
    const { file } = secret.secret;
    // The command itself may hold what nobody should see.
    const name = file === undefined ? 'the key of --key-command' : `the key of --key-file ${file}`;
    read.push(imageKey(await readSecret(secret, process.cwd()), name));
  }
  const keys = imageKeys(root, null, read);
  return {
    ...keys,
    of(file) {
      try {
        return keys.of(file);
      } catch (error) {
        const { code, message } = toSendenseError(error);
        throw new SendenseError(code, message, { remedy: keyWays, cause: error });
      }
    },
  };
}

/**
 * What is to be told of a folder that holds restore points, or was made for them.
 * @throws SendenseError `repository.unusable` for any other folder
 */
async function lookAt(root: string): Promise<string[]> {
  const names = await listed(root);
  const fault = await markerTrouble(root, names);
  if (fault === null) return [];
  if (!(await holdsPoints(root))) throw await noRepository(root, names);
  return [
    `${fault}; its restore points are read all the same. \`sendense-run repo repair\` makes that file again, on a hub that backs up to this repository`,
  ];
}

/** What is wrong with the file that says which repository it is; null: nothing. */
async function markerTrouble(root: string, names: readonly string[]): Promise<string | null> {
  if (!names.includes(markerName)) return `${root} has no ${markerName}`;
  return findRepository(rescueName, root).then(
    () => null,
    (error: Error) => error.message.replace(`repository ${rescueName}: `, ''),
  );
}

async function listed(root: string): Promise<string[]> {
  const unusable = (why: string, cause?: unknown): SendenseError =>
    new SendenseError('repository.unusable', `${root} ${why}`, {
      remedy: `Name the folder that holds ${markerName} and one folder for each VM.`,
      cause,
    });
  try {
    if (!(await stat(root)).isDirectory()) throw unusable('is not a folder');
    return await readdir(root);
  } catch (error) {
    if (error instanceof SendenseError) throw error;
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw unusable('does not exist', error);
    throw unusable(`cannot be listed (${code})`, error);
  }
}

async function holdsPoints(root: string): Promise<boolean> {
  for (const context of await contextsIn(root).catch(() => []))
    if ((await manifestNames(root, context).catch(() => [])).length > 0) return true;
  return false;
}

/** Names the folder that was perhaps meant. */
async function noRepository(root: string, names: readonly string[]): Promise<SendenseError> {
  const above = resolve(root, '..');
  const holds = names.length === 0 ? 'is empty' : `holds no restore points (it holds ${names.slice(0, 3).join(', ')})`;
  const meant = (await namesIn(above)).includes(markerName) ? above : (await repositoriesIn(root, names))[0];
  return new SendenseError(
    'repository.unusable',
    `${root} ${holds}${meant === undefined ? '' : `; did you mean ${meant}?`}`,
    { remedy: `Name the folder that holds ${markerName} and one folder for each VM. Is it mounted?` },
  );
}

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch((): string[] => []);

async function repositoriesIn(root: string, names: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of names.slice(0, 100))
    if ((await namesIn(join(root, name))).includes(markerName)) found.push(join(root, name));
  return found;
}
