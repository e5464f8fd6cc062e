import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadSettings } from '../../plan/load-settings.ts';

/** Names of VMs, from the folders of the repositories; empty where anything is missing, for nobody reads an error here. */
export function vmNames(config: string | undefined): string[] {
  const { settings, folder } = loadSettings(config, process.cwd());
  const roots = Object.values(settings?.repositories ?? {}).map(({ path }) => resolve(folder, path));
  return [...new Set(roots.flatMap(foldersIn))].sort();
}

function foldersIn(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name);
  } catch {
    return [];
  }
}
