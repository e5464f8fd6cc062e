import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadPlanFile } from '../plan/load-plan.ts';
import type { Settings } from '../schemas/types.ts';

export interface CredentialUsers {
  /** Names of sources of sendense.yaml. */
  readonly sources: string[];
  /** Plan files, absolute. */
  readonly plans: string[];
}

/** Who names each credential: sources of sendense.yaml, and plans beside it and in `plans/` there. */
export function credentialUsers(settings: Settings, folder: string): (name: string) => CredentialUsers {
  const plans = [folder, join(folder, 'plans')].flatMap(yamlFilesIn).map((file) => ({ file, name: namedBy(file) }));
  return (name) => ({
    sources: Object.entries(settings.sources)
      .filter(([, source]) => source.type === 'vsphere' && source.credential === name)
      .map(([source]) => source),
    plans: plans.filter((plan) => plan.name === name).map(({ file }) => file),
  });
}

function yamlFilesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((file) => /\.ya?ml$/.test(file) && file !== 'sendense.yaml')
      .map((file) => join(folder, file));
  } catch {
    return [];
  }
}

/** The credential that a plan names, whatever else is wrong with it. */
function namedBy(file: string): unknown {
  const { value } = loadPlanFile(file).document;
  return (value as { vm?: { credential?: unknown } } | null)?.vm?.credential;
}
