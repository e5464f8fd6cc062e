import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadSettings } from '../../plan/load-settings.ts';
import { openState, type State } from '../../state/database/open-state.ts';

/** What the state database of the settings says, read only; nothing where anything is missing, for nobody reads an error here. */
export function withState(config: string | undefined, ask: (state: State) => string[]): string[] {
  const { settings, folder } = loadSettings(config, process.cwd());
  if (!settings) return [];
  const path = resolve(folder, settings.state);
  if (!existsSync(path)) return [];
  try {
    using state = openState(path, { readOnly: true });
    return ask(state);
  } catch {
    return [];
  }
}
