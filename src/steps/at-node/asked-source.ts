import type { NodeClient } from '../../host/node-api/node-client.ts';
import type { AskedSource, SourceSettings, SourceType } from '../../sources/source-kind.ts';
import type { Services } from '../services.ts';
import { loginFor } from './source-login.ts';
import { placeOf } from './source-spec.ts';

/** A source of sendense.yaml, with what its kind needs to ask a node about it. */
export const askedSource = (
  services: Services,
  { name, settings, node }: { name: string; settings: SourceSettings; node(): Promise<NodeClient> },
  signal?: AbortSignal,
): AskedSource<SourceType> => ({
  settings,
  place: placeOf(name, services.settingsFolder),
  node,
  login: (spec) => loginFor(services, spec, signal),
  signal,
});
