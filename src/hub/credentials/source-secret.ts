import { SendenseError } from '../../errors/sendense-error.ts';
import { readSecret } from '../../host/system/secret.ts';
import type { Settings, VsphereSourceSpec } from '../../schemas/types.ts';
import { openCredential } from '../../state/credentials/credentials.ts';
import type { State } from '../../state/database/open-state.ts';

export interface SecretPlaces {
  readonly state: State;
  readonly settings: Settings;
  readonly settingsFolder: string;
}

/** What logs in at a source: its stored credential, else user and password of sendense.yaml. See `Services.sourceSecret`. */
export async function sourceSecret(
  { state, settings, settingsFolder }: SecretPlaces,
  source: VsphereSourceSpec,
  signal?: AbortSignal,
): Promise<{ user: string; password: string }> {
  if (source.credential !== null) return openCredential(state, source.credential);
  const written = settings.sources[source.name];
  if (written?.type !== 'vsphere' || written.password === undefined)
    throw new SendenseError('vsphere.settings', `source ${source.name} has neither user and password nor a credential`);
  return { user: source.user, password: await readSecret(written.password, settingsFolder, signal) };
}
