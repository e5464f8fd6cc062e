import { SendenseError } from '../../errors/sendense-error.ts';
import type { CredentialsTestOutput, Settings, VsphereSourceSettings } from '../../schemas/types.ts';
import { vsphereSpecOf } from '../../steps/at-node/source-spec.ts';
import type { Services } from '../../steps/services.ts';

export interface CredentialTest {
  readonly name: string;
  /** Default: the source that names the credential, or the only vSphere source. */
  readonly source?: string | undefined;
  /** Default: the embedded one. */
  readonly node?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Lets a node log in with a stored credential, and says what the user lacks. */
export async function testCredential(services: Services, request: CredentialTest): Promise<CredentialsTestOutput> {
  const { name, node = 'local', signal } = request;
  const { settings, settingsFolder } = services;
  const [sourceName, source] = sourceFor(settings, request);
  const spec = vsphereSpecOf(sourceName, source, settingsFolder, { name: '', credential: name });
  const { user, password } = await services.sourceSecret(spec, signal);
  const client = await services.node(node);
  const tested = await client.testCredential(
    { source: { ...spec, user }, vcenter_user: user, vcenter_password: password },
    signal,
  );
  return {
    version: 1,
    ok: tested.missing.length === 0,
    name,
    source: sourceName,
    node,
    about: tested.about,
    user: tested.user,
    missing: tested.missing,
    warnings: tested.warnings,
  };
}

function sourceFor(settings: Settings, { name, source }: CredentialTest): [string, VsphereSourceSettings] {
  const all = Object.entries(settings.sources).filter(
    (entry): entry is [string, VsphereSourceSettings] => entry[1].type === 'vsphere',
  );
  const names = all.map(([each]) => each);
  if (source !== undefined) {
    const found = all.find(([each]) => each === source);
    if (found) return found;
    throw new SendenseError(
      'source.missing',
      `sendense.yaml has no vSphere source ${source}; it has ${names.join(', ') || 'none'}`,
    );
  }
  const naming = all.filter(([, settingsOf]) => settingsOf.credential === name);
  const candidates = naming.length > 0 ? naming : all;
  if (candidates.length === 1 && candidates[0]) return candidates[0];
  throw new SendenseError(
    'usage',
    all.length === 0
      ? 'sendense.yaml has no vSphere source to test the credential with'
      : `say with which source: --source ${candidates.map(([each]) => each).join(' or --source ')}`,
    { remedy: all.length === 0 ? 'Add one to `sources` in sendense.yaml.' : 'Name one of them.' },
  );
}
