import { SendenseError } from '../errors/sendense-error.ts';
import type { Settings } from '../schemas/types.ts';
import type { State } from '../state/database/open-state.ts';
import { hasPoints } from '../state/points/restore-points.ts';

/** What to do about a repository that was taken out of the settings, or renamed there. */
export const unlistedRemedy = (name: string): string =>
  `Put it back into sendense.yaml under this name. If it is gone for good or has another name now, run \`sendense-run repo import ${name} --forget-missing\`: this forgets its restore points and changes no file.`;

/** `repository.unusable`: the settings name no such repository. */
export const unknownRepository = (state: State, { repositories }: Settings, name: string): SendenseError =>
  new SendenseError(
    'repository.unusable',
    `sendense.yaml has no repository ${name}; it has ${Object.keys(repositories).join(', ')}`,
    hasPoints(state, name) ? { remedy: unlistedRemedy(name) } : {},
  );
