import { loadPlanText } from '../../plan/load-plan.ts';
import { loadSettings } from '../../plan/load-settings.ts';
import { completePlan } from '../../plan/expand/prepare-plan.ts';
import { readDocument } from '../../plan/yaml/read-document.ts';
import type { StartablePlan } from '../acts/acts.ts';

/** The plan of a file, as who may run it is judged; undefined: it is not valid any more. @param file absolute */
export function startableIn(file: string, settingsFile: string): StartablePlan | undefined {
  const read = readDocument(file);
  if ('diagnostic' in read) return undefined;
  const loaded = loadPlanText({ file, text: read.text });
  const { pipeline } = completePlan(loaded, loadSettings(settingsFile, loaded.document.folder));
  if (!pipeline) return undefined;
  const { repository } = pipeline.plan as { readonly repository?: unknown };
  return {
    plan: pipeline.name,
    kind: pipeline.kind,
    vm: pipeline.vm,
    repository: typeof repository === 'string' ? repository : null,
    file,
    scheduled: false,
  };
}
