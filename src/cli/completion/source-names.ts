import { loadSettings } from '../../plan/load-settings.ts';

/** Names of the sources of sendense.yaml; empty where anything is missing, for nobody reads an error here. */
export const sourceNames = (config: string | undefined): string[] =>
  Object.keys(loadSettings(config, process.cwd()).settings?.sources ?? {}).sort();
