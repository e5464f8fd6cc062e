import { dirname, resolve } from 'node:path';
import { requireSettings } from '../../hub/runs/load-pipeline.ts';

/** Where runs of a service read and write; all absolute. */
export interface RunPlaces {
  /** The settings. */
  readonly config: string;
  readonly stateDir: string;
  /** Folder of the plans. */
  readonly plans: string;
  /** The API changes plans. */
  readonly editsPlans: boolean;
  /** Repositories. */
  readonly writable: readonly string[];
  /** Files of a repository may become immutable. */
  readonly immutable: boolean;
}

/** @throws SendenseError `settings.missing`, `settings.invalid` */
export function placesOfRuns(config: string | undefined, startFolder: string): RunPlaces {
  const { file, folder, settings } = requireSettings(config, startFolder);
  return {
    config: file,
    plans: resolve(folder, settings.hub.plans ?? '.'),
    editsPlans: settings.hub.editPlans,
    stateDir: dirname(resolve(folder, settings.state)),
    writable: Object.values(settings.repositories).map(({ path }) => resolve(folder, path)),
    immutable: Object.values(settings.repositories).some(({ immutable = false }) => immutable !== false),
  };
}
