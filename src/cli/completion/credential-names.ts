import { listCredentialNames } from '../../state/credentials/credentials.ts';
import { withState } from './with-state.ts';

/** Names of the stored credentials; no key is read. */
export const credentialNames = (config: string | undefined): string[] => withState(config, listCredentialNames);
