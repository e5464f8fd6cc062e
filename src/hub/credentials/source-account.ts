import { SendenseError } from '../../errors/sendense-error.ts';
import { readSecret } from '../../host/system/secret.ts';
import type { Settings, Source } from '../../schemas/types.ts';
import { kindOf, settingsOf } from '../../sources/index.ts';
import type { SourceAccount } from '../../sources/source-kind.ts';
import { openCredential } from '../../state/credentials/credentials.ts';
import type { State } from '../../state/database/open-state.ts';

export interface SecretPlaces {
  readonly state: State;
  readonly settings: Settings;
  readonly settingsFolder: string;
}

/** Who logs in at a source: its stored credential, else user and password of sendense.yaml. See `Services.sourceAccount`. */
export async function sourceAccount(
  { state, settings, settingsFolder }: SecretPlaces,
  source: Source,
  signal?: AbortSignal,
): Promise<SourceAccount> {
  const { login } = kindOf(source);
  if (!login) throw new SendenseError('run.internal', `a source of type ${source.type} asks for no password`);
  const account = login.account(source, settingsOf(source, settings));
  if ('credential' in account) return openCredential(state, account.credential);
  return { user: account.user, password: await readSecret(account.password, settingsFolder, signal) };
}
