import { SendenseError } from '../../errors/sendense-error.ts';
import type { FilesClient } from '../../files/client/files-client.ts';
import { unlockVolumes } from '../../files/client/unlock-volumes.ts';
import { checkFile, type CheckOptions, type FileExpectation } from '../../files/expect/expect-file.ts';
import type { FilesOutput } from '../../schemas/types.ts';

export interface LookedAtPoint {
  readonly vm: string;
  readonly id: string;
  readonly repository: string;
  readonly expectations: readonly FileExpectation[];
  /** Of LUKS volumes of the guest; null: they stay locked. */
  readonly passphrase: string | null;
}

/** What opening the file systems of a restore point showed. */
export interface Looked {
  /** Those that opened. */
  readonly volumes: string[];
  /** Files that are as expected. */
  readonly checked: number;
  readonly problems: string[];
  /** What whoever reads the files may miss. */
  readonly warnings: string[];
  /** What is not read, for a reason that is no fault. */
  readonly remarks: string[];
}

type Volume = FilesOutput['volumes'][number];

/**
 * Opens each file system of a restore point, lists its root, and looks at the files that are expected.
 * @throws SendenseError as `FilesClient.open` does
 */
export async function lookInto(
  client: FilesClient,
  { vm, id, repository, expectations, passphrase }: LookedAtPoint,
  options: CheckOptions,
): Promise<Looked> {
  let files = await client.open({ vm, repository, point: id }, options.signal);
  const looked: Looked = { volumes: [], checked: 0, problems: [], warnings: [], remarks: [] };
  try {
    if (passphrase !== null) {
      const unlocked = await unlockVolumes(client, files, passphrase);
      ({ files } = unlocked);
      for (const { volume, error } of unlocked.refused) looked.warnings.push(`${volume}: ${error.message}`);
    }
    for (const volume of files.volumes) await lookAt(client, files.id, volume, looked);
    if (looked.volumes.length + looked.problems.length + looked.remarks.length === 0)
      looked.warnings.push('there is no file system on its disks');
    let checked = 0;
    for (const expectation of expectations) {
      const { problem } = await checkFile({ client, files }, expectation, options);
      if (problem === null) checked++;
      else looked.problems.push(problem);
    }
    return { ...looked, checked };
  } finally {
    await client.close(files.id).catch(() => undefined);
  }
}

/** What becomes of a volume that is not a file system. */
const tell: Readonly<Record<Volume['state'], 'problems' | 'remarks' | null>> = {
  readable: null,
  encrypted: 'remarks',
  unsupported: 'remarks',
  damaged: 'problems',
  swap: null,
  empty: null,
  part: null,
};

async function lookAt(client: FilesClient, session: string, { id, state }: Volume, looked: Looked): Promise<void> {
  const list = async (): Promise<unknown> => {
    if (state !== 'readable') return;
    try {
      return await client.list({ session, volume: id, path: '' }, { limit: 1 });
    } catch (error) {
      if (!(error instanceof SendenseError) || !['files.damaged', 'files.type', 'files.path'].includes(error.code))
        throw error;
      return looked.problems.push(`${id}: ${error.message}`);
    }
  };
  const before = looked.problems.length;
  await list();
  // Only what was opened says what became of its journal.
  const now = (await client.show(session)).volumes.find((one) => one.id === id);
  if (!now || looked.problems.length > before) return;
  const where = tell[now.state];
  if (where !== null) looked[where].push(`${id} is ${now.state}${now.why === null ? '' : `: ${now.why}`}`);
  if (now.state !== 'readable') return;
  looked.volumes.push(`${id} (${now.type})`);
  if (now.journal === 'skipped')
    looked.warnings.push(`${id}: journal skipped${now.notes.length > 0 ? `: ${now.notes.join('; ')}` : ''}`);
}
