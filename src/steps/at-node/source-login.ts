import type { Source } from '../../schemas/types.ts';
import { kindOf } from '../../sources/index.ts';
import type { WireLogin } from '../../sources/source-kind.ts';
import type { Services } from '../services.ts';

/**
 * The fields of a request to the node that log in at a source; none for one that needs no login. Read anew for each
 * request: a secret is in no claim, output or journal.
 */
export async function loginFor(services: Services, source: Source, signal?: AbortSignal): Promise<WireLogin> {
  const { login } = kindOf(source);
  return login ? login.toWire(await services.sourceAccount(source, signal)) : {};
}
