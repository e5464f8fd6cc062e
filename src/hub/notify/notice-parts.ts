import type { Settings } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';

export interface NoticeParts {
  readonly state: State;
  readonly settings: Settings;
  readonly settingsFolder: string;
}
