import { SendenseError } from '../../errors/sendense-error.ts';
import type { CredentialsTestOutput, CredentialsTestRequest, Settings } from '../../schemas/types.ts';
import { kindOf, loginTitle, sourcesWithLogin, type SourceWithLogin } from '../../sources/index.ts';
import { placeOf } from '../../steps/at-node/source-spec.ts';
import type { Services } from '../../steps/services.ts';

export interface CredentialTest {
  readonly name: string;
  /** Default: the source that names the credential, or the only one that asks for a password. */
  readonly source?: string | undefined;
  /** Default: the embedded one. */
  readonly node?: string | undefined;
  /** Default: a backup. */
  readonly purpose?: CredentialsTestRequest['purpose'];
  readonly signal?: AbortSignal | undefined;
}

/** Lets a node log in with a stored credential, and says what the user lacks. */
export async function testCredential(services: Services, request: CredentialTest): Promise<CredentialsTestOutput> {
  const { name, node = 'local', purpose = 'backup', signal } = request;
  const source = sourceFor(services.settings, request);
  const place = placeOf(source.name, services.settingsFolder);
  const spec = kindOf(source.settings).spec(source.settings, { name: '', credential: name }, place);
  const account = await services.sourceAccount(spec, signal);
  const client = await services.node(node);
  // Nodes of other versions know backups only, and not this field.
  const asked = { ...source.login.testRequest(spec, account), ...(purpose === 'backup' ? {} : { purpose }) };
  const tested = await client.testCredential(asked, signal);
  return {
    version: 1,
    ok: tested.missing.length === 0,
    name,
    source: source.name,
    node,
    about: tested.about,
    user: tested.user,
    missing: tested.missing,
    warnings: tested.warnings,
  };
}

function sourceFor(settings: Settings, { name, source }: CredentialTest): SourceWithLogin {
  const all = sourcesWithLogin(settings);
  if (source !== undefined) {
    const found = all.find((each) => each.name === source);
    if (found) return found;
    throw new SendenseError(
      'source.missing',
      `sendense.yaml has no ${loginTitle()} source ${source}; it has ${all.map((each) => each.name).join(', ') || 'none'}`,
    );
  }
  const naming = all.filter((each) => each.login.credential(each.settings) === name);
  const candidates = naming.length > 0 ? naming : all;
  if (candidates.length === 1 && candidates[0]) return candidates[0];
  throw new SendenseError(
    'usage',
    all.length === 0
      ? `sendense.yaml has no ${loginTitle()} source to test the credential with`
      : `say with which source: --source ${candidates.map((each) => each.name).join(' or --source ')}`,
    { remedy: all.length === 0 ? 'Add one to `sources` in sendense.yaml.' : 'Name one of them.' },
  );
}
