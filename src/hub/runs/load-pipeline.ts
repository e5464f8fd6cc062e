import type { Pipeline } from '../../engine/pipeline.ts';
import { assertAsJudged, type JudgedPlan } from './judged-plan.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { ErrorCode } from '../../errors/catalogue.ts';
import type { Mode } from '../../plan/expand/apply-mode.ts';
import type { Diagnostic } from '../../plan/diagnostics/diagnostic.ts';
import { loadPlanFile, loadPlanText } from '../../plan/load-plan.ts';
import { loadSettings, type LoadedSettings } from '../../plan/load-settings.ts';
import { completePlan } from '../../plan/expand/prepare-plan.ts';
import type { Settings } from '../../schemas/types.ts';

export interface UsableSettings {
  /** Absolute. */
  readonly file: string;
  readonly folder: string;
  readonly settings: Settings;
  readonly loaded: LoadedSettings;
}

/** @throws SendenseError `settings.missing`; `settings.untrusted`, `settings.invalid` with the diagnostics in its details */
export function requireSettings(config: string | undefined, startFolder: string): UsableSettings {
  const loaded = loadSettings(config, startFolder);
  if (loaded.diagnostics.some(({ rule }) => rule === 'settings/untrusted'))
    throw invalid('settings.untrusted', loaded.diagnostics, '');
  if (loaded.diagnostics.length > 0) throw invalid('settings.invalid', loaded.diagnostics, loaded.document?.text ?? '');
  if (loaded.file === undefined || !loaded.settings)
    throw new SendenseError(
      'settings.missing',
      `no sendense.yaml in ${loaded.folder}${loaded.folder === '/etc/sendense' ? '' : ', in a folder above it, or in /etc/sendense'}`,
    );
  return { file: loaded.file, folder: loaded.folder, settings: loaded.settings, loaded };
}

export interface PlanRequest {
  readonly file: string;
  /** The plan's text, instead of what is in `file`. */
  readonly text?: string | undefined;
  readonly mode?: Mode | undefined;
  /** The plan that the file has to have still; undefined: any. */
  readonly judged?: JudgedPlan | undefined;
}

/** @throws SendenseError `plan.invalid` with the diagnostics in its details; `usage` for a mode that the plan cannot have; `plan.unknown` */
export function loadPipeline(request: PlanRequest, settings: LoadedSettings): Pipeline {
  const loaded =
    request.text === undefined ? loadPlanFile(request.file) : loadPlanText({ file: request.file, text: request.text });
  const { pipeline, diagnostics, document } = completePlan(loaded, settings, request.mode);
  if (!pipeline) throw invalidPlan(diagnostics, document.text);
  const { name: plan, kind, vm } = pipeline;
  if (request.judged) assertAsJudged(request.file, request.judged, { plan, kind, vm });
  return pipeline;
}

/** `plan.invalid` with all diagnostics of a plan. */
export const invalidPlan = (diagnostics: readonly Diagnostic[], text: string): SendenseError =>
  invalid('plan.invalid', diagnostics, text);

/** One error for all diagnostics; the first one's position, and all of them with the text for whoever draws them. */
function invalid(code: ErrorCode, diagnostics: readonly Diagnostic[], text: string): SendenseError {
  const first = diagnostics[0];
  const more = diagnostics.length > 1 ? ` (and ${diagnostics.length - 1} more)` : '';
  return new SendenseError(
    code,
    `${first?.file ?? ''}:${first?.line ?? 1}:${first?.column ?? 1}: ${first?.message ?? 'invalid'}${more}`,
    {
      ...(first
        ? { remedy: first.remedy, position: { file: first.file, line: first.line, column: first.column } }
        : {}),
      details: { diagnostics, text },
    },
  );
}
