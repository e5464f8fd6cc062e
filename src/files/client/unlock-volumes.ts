import { toSendenseError, type SendenseError } from '../../errors/sendense-error.ts';
import type { FilesOutput } from '../../schemas/types.ts';
import type { FilesClient } from './files-client.ts';

interface Unlocked {
  /** With what is in the volumes that it has opened. */
  readonly files: FilesOutput;
  /** How many it has opened. */
  readonly opened: number;
  /** Volumes that it does not open, and why. */
  readonly refused: readonly { readonly volume: string; readonly error: SendenseError }[];
}

/**
 * Tries a passphrase at each encrypted volume, also at those that lie in one that it has opened: each may have another one.
 * @throws SendenseError as `FilesClient.unlock` does, where it is not the passphrase that is wrong
 */
export async function unlockVolumes(client: FilesClient, opened: FilesOutput, passphrase: string): Promise<Unlocked> {
  let files = opened;
  const tried = new Set<string>();
  const refused: { readonly volume: string; readonly error: SendenseError }[] = [];
  const next = (): string | undefined =>
    files.volumes.find(({ id, state }) => state === 'encrypted' && !tried.has(id))?.id;
  for (let volume = next(); volume !== undefined; volume = next()) {
    tried.add(volume);
    try {
      files = await client.unlock(files.id, volume, passphrase);
    } catch (error) {
      const told = toSendenseError(error);
      if (told.code !== 'files.locked' && told.code !== 'files.type') throw error;
      refused.push({ volume, error: told });
    }
  }
  return { files, opened: tried.size - refused.length, refused };
}
