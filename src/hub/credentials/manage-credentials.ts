import { SendenseError } from '../../errors/sendense-error.ts';
import { isName } from '../../plan/names.ts';
import type { CredentialsOutput, CredentialsTestOutput, Settings } from '../../schemas/types.ts';
import { currentKey } from '../../state/credentials/credential-keys.ts';
import {
  addCredential,
  changePassword,
  listCredentials,
  removeCredential,
  requireKnown,
  requireNew,
} from '../../state/credentials/credentials.ts';
import { rotateKey } from '../../state/credentials/rotate-key.ts';
import type { State } from '../../state/database/open-state.ts';
import { credentialUsers } from './credential-users.ts';
import type { CredentialTest } from './test-credential.ts';

/** The stored credentials, for the program and for whoever embeds it. Answers never hold a password. */
export interface Credentials {
  list(): CredentialsOutput;
  /** Throws what `add` or `changePassword` would throw about the name; for before a password is asked for. */
  checkName(name: string, wanted: 'new' | 'known'): void;
  /** @throws SendenseError `usage`, `credential.exists`, `credential.key` */
  add(name: string, user: string, password: string): CredentialsOutput;
  /** @throws SendenseError `credential.unknown`, `credential.sealed`, `credential.key` */
  changePassword(name: string, password: string): CredentialsOutput;
  /** A new key for all of them. @throws SendenseError `credential.sealed`, `credential.key` */
  rotateKey(): CredentialsOutput;
  /** @param force although it is used @throws SendenseError `credential.unknown`, `credential.used` */
  remove(name: string, force: boolean): CredentialsOutput;
  /** Logs in through a node. @throws SendenseError `vsphere.login` and the like */
  test(request: CredentialTest): Promise<CredentialsTestOutput>;
}

export interface CredentialPlaces {
  readonly state: State;
  readonly settings: Settings;
  readonly settingsFolder: string;
}

export function manageCredentials(
  { state, settings, settingsFolder }: CredentialPlaces,
  test: Credentials['test'],
): Credentials {
  const describe = (only?: string): CredentialsOutput => {
    const users = credentialUsers({ state, settings, settingsFolder });
    const key = keyIfUsable(state);
    return {
      version: 1,
      key: key ? { kind: key.kind, path: key.path, id: key.id } : null,
      credentials: listCredentials(state)
        .filter(({ name }) => only === undefined || name === only)
        .map(({ name, user, created, updated, keyId, problem }) => ({
          name,
          user,
          created,
          updated,
          key_id: keyId,
          problem,
          used_by: users(name),
        })),
    };
  };
  return {
    list: () => describe(),
    checkName: (name, wanted) => {
      if (wanted === 'known') return requireKnown(state, name);
      requireName(name);
      requireNew(state, name);
    },
    add: (name, user, password) => {
      requireName(name);
      if (user.trim() === '') throw new SendenseError('usage', 'the user is empty');
      addCredential(state, name, { user, password });
      return describe(name);
    },
    changePassword: (name, password) => {
      changePassword(state, name, password);
      return describe(name);
    },
    rotateKey: () => {
      rotateKey(state);
      return describe();
    },
    remove: (name, force) => {
      const removed = describe(name);
      const { sources = [], plans = [] } = removed.credentials[0]?.used_by ?? {};
      if (!force && sources.length + plans.length > 0)
        throw new SendenseError('credential.used', `credential ${name} is used by ${usersText(sources, plans)}`);
      removeCredential(state, name);
      return removed;
    },
    test,
  };
}

function requireName(name: string): void {
  if (isName(name)) return;
  throw new SendenseError('usage', `${JSON.stringify(name)} is no name of a credential`, {
    remedy: 'Use up to 63 letters, digits, dots, dashes and underscores, a letter or digit first.',
  });
}

const usersText = (sources: readonly string[], plans: readonly string[]): string =>
  [...sources.map((source) => `source ${source} of sendense.yaml`), ...plans.map((plan) => `plan ${plan}`)].join(', ');

/** What is wrong with the key is told with each credential. */
function keyIfUsable(state: State): ReturnType<typeof currentKey> {
  try {
    return currentKey(state.path);
  } catch (error) {
    if (error instanceof SendenseError) return undefined;
    throw error;
  }
}
