import type { Source } from '../../schemas/types.ts';
import type { Services } from '../services.ts';

/**
 * The fields of a request to the node that log in at a source; none for one that needs no login. Read anew for each
 * request: a secret is in no claim, output or journal.
 */
export async function loginFor(
  services: Services,
  source: Source,
  signal?: AbortSignal,
): Promise<{ vcenter_user?: string; vcenter_password?: string }> {
  if (source.type !== 'vsphere') return {};
  const { user, password } = await services.sourceSecret(source, signal);
  return { vcenter_user: user, vcenter_password: password };
}
