import type { Pipeline } from '../../engine/pipeline.ts';
import type { Plan } from '../../schemas/types.ts';
import { applyMode, type Mode } from './apply-mode.ts';
import { checkAgainstSettings } from '../checks/check-against-settings.ts';
import { inOrder, type Diagnostic } from '../diagnostics/diagnostic.ts';
import { isWritten, type PlanDocument } from '../yaml/document.ts';
import { checkPipeline, expandPlan } from './expand-plan.ts';
import { loadPlanFile, type LoadedPlan } from '../load-plan.ts';
import { loadRunner } from './load-runner.ts';
import { loadSettings, type LoadedSettings } from '../load-settings.ts';

export interface PreparedPlan {
  readonly document: PlanDocument;
  readonly plan: Plan | undefined;
  /** Undefined where the plan has a diagnostic. */
  readonly pipeline: Pipeline | undefined;
  readonly settings: LoadedSettings;
  /** Of the plan only; those of the settings are in `settings.diagnostics`. */
  readonly diagnostics: readonly Diagnostic[];
}

/** A plan file as `run` needs it: loaded, mode applied, checked against the settings, expanded. All diagnostics at once. */
export function preparePlan(
  path: string,
  options: { config?: string | undefined; mode?: Mode | undefined } = {},
): PreparedPlan {
  const loaded = loadPlanFile(path);
  return completePlan(loaded, loadSettings(options.config, loaded.document.folder), options.mode);
}

/** The second half of {@link preparePlan}. */
export function completePlan(loaded: LoadedPlan, settings: LoadedSettings, mode?: Mode): PreparedPlan {
  const { document, draft, diagnostics } = loaded;
  if (!loaded.plan) {
    const more = draft
      ? moreDiagnostics(
          document,
          draft,
          settings,
          diagnostics.filter((item) => /^(?:schema|secret|step)\//.test(item.rule)).map((item) => item.path),
        )
      : [];
    return {
      document,
      plan: undefined,
      pipeline: undefined,
      settings,
      diagnostics: inOrder([...diagnostics, ...more]),
    };
  }
  const plan = mode === undefined ? loaded.plan : applyMode(loaded.plan, mode);
  const expanded = expandPlan(document, plan, loadRunner(plan.kind));
  const names = settings.settings ? checkAgainstSettings(document, plan, settings.settings) : [];
  const all = inOrder([...expanded.diagnostics, ...names]);
  return { document, plan, pipeline: all.length === 0 ? expanded.pipeline : undefined, settings, diagnostics: all };
}

/** What else can be said about a plan whose form is wrong at some places. */
function moreDiagnostics(
  document: PlanDocument,
  draft: Plan,
  { settings }: LoadedSettings,
  broken: readonly string[],
): Diagnostic[] {
  const usable = (key: string): boolean =>
    isWritten(document, [key]) && !broken.some((pointer) => pointer === `/${key}` || pointer.startsWith(`/${key}/`));
  const names = settings ? checkAgainstSettings(document, draft, settings, usable) : [];
  return [...checkPipeline(document, draft, loadRunner(draft.kind), broken), ...names];
}
