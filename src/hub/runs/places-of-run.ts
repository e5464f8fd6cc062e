import { dirname } from 'node:path';
import { temporaryPlace, type Place } from '../../host/files/full-disk.ts';
import type { Services } from '../../steps/services.ts';
import type { State } from '../../state/database/open-state.ts';

/** Where a run writes, besides the target of a restore. */
export function placesOf(
  services: Pick<Services, 'settings' | 'repositoryPath'>,
  state: Pick<State, 'path'>,
  plan: Readonly<Record<string, unknown>>,
): Place[] {
  const places = [temporaryPlace(), { path: dirname(state.path), what: 'the state database' }];
  const { repository: name } = plan;
  if (typeof name !== 'string' || !Object.hasOwn(services.settings.repositories, name)) return places;
  return [...places, { path: services.repositoryPath(name), what: `repository ${name}` }];
}
