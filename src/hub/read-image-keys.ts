import { readSecret } from '../host/system/secret.ts';
import type { ImageKey } from '../host/images/image-options.ts';
import { imageKey, imageKeys, type ImageKeys } from '../repository/image-keys.ts';
import type { Secret, Settings } from '../schemas/types.ts';

/**
 * The keys that the settings name for a repository.
 * @throws SendenseError `repository.key` for one that is none, `secret.unreadable`
 */
export async function readImageKeys(
  settings: Pick<Settings, 'repositories'>,
  settingsFolder: string,
  repository: string,
): Promise<ImageKeys> {
  const encryption = settings.repositories[repository]?.encryption;
  const read = async (reference: Secret, name: string): Promise<ImageKey> =>
    imageKey(await readSecret(reference, settingsFolder), `repository ${repository}: ${name}`);
  const current = encryption?.key ? await read(encryption.key, 'encryption.key') : null;
  const older = await Promise.all((encryption?.keys ?? []).map((key, at) => read(key, `encryption.keys.${at}`)));
  return imageKeys(repository, current, older);
}
