import { dirname } from 'node:path';
import { loadSettings } from '../../plan/load-settings.ts';
import type { StartablePlan } from '../acts/acts.ts';
import { loadPipeline } from '../runs/load-pipeline.ts';

/** The plan of a file, as who may run it is judged. @param file absolute @throws SendenseError `plan.invalid` */
export function startableIn(file: string, settingsFile: string): StartablePlan {
  const { name, kind, vm, plan } = loadPipeline({ file }, loadSettings(settingsFile, dirname(file)));
  const { repository } = plan as { readonly repository?: unknown };
  return {
    plan: name,
    kind,
    vm,
    repository: typeof repository === 'string' ? repository : null,
    file,
    scheduled: false,
  };
}
