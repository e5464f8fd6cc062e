import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadPlanFile, loadPlanText } from '../../plan/load-plan.ts';
import { settingsName } from '../../plan/load-settings.ts';
import type { Settings } from '../../schemas/types.ts';
import { kindOf } from '../../sources/index.ts';
import type { State } from '../../state/database/open-state.ts';
import { watchedPlans } from '../../state/schedules/plan-health.ts';
import { listSchedules, scheduledText } from '../../state/schedules/schedules.ts';

export interface CredentialUsers {
  /** Names of sources of sendense.yaml, and `hub.oidc` where that has it. */
  readonly sources: string[];
  /** Plan files, absolute. */
  readonly plans: string[];
}

export interface CredentialUserPlaces {
  readonly state: State;
  readonly settings: Settings;
  /** Absolute. */
  readonly settingsFolder: string;
}

/**
 * Who names each credential: sources of sendense.yaml, plans beside it and below `plans/` there, and wherever they are those that were run
 * or are scheduled, also with the text that is in force while their file is gone or another.
 */
export function credentialUsers(places: CredentialUserPlaces): (name: string) => CredentialUsers {
  const { state, settings, settingsFolder: folder } = places;
  const schedules = listSchedules(state).filter(({ removed }) => removed === null);
  const files = new Set([
    ...yamlFilesIn(folder, false),
    ...yamlFilesIn(join(folder, 'plans'), true),
    ...watchedPlans(state).map(({ file }) => file),
    ...schedules.map(({ file }) => file),
  ]);
  const named = new Map([...files].map((file) => [file, new Set(credentialsIn(loadPlanFile(file).document.value))]));
  for (const { plan, file } of schedules) {
    const text = scheduledText(state, plan);
    if (text === undefined) continue;
    for (const name of credentialsIn(loadPlanText({ file, text }).document.value)) named.get(file)?.add(name);
  }
  return (name) => ({
    sources: [
      ...Object.entries(settings.sources)
        .filter(([, source]) => kindOf(source).login?.credential(source) === name)
        .map(([source]) => source),
      ...(settings.hub.oidc?.clientSecret === name ? ['hub.oidc'] : []),
    ],
    plans: [...named].filter(([, names]) => names.has(name)).map(([file]) => file),
  });
}

function yamlFilesIn(folder: string, recursive: boolean): string[] {
  try {
    return readdirSync(folder, { recursive, encoding: 'utf8' })
      .filter((file) => /\.ya?ml$/.test(file) && file !== settingsName)
      .toSorted()
      .map((file) => join(folder, file));
  } catch {
    return [];
  }
}

/** The credentials that a plan names anywhere (for its VM, for all of a group, for some of them), whatever else is wrong with it. */
function credentialsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = (value as { credential?: unknown }).credential;
  return [...(typeof own === 'string' ? [own] : []), ...Object.values(value).flatMap(credentialsIn)];
}
