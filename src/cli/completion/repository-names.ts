import { loadSettings } from '../../plan/load-settings.ts';

/** Names of the repositories of sendense.yaml; empty where anything is missing, for nobody reads an error here. */
export const repositoryNames = (config: string | undefined): string[] =>
  Object.keys(loadSettings(config, process.cwd()).settings?.repositories ?? {}).sort();
