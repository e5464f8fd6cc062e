import { dirname, resolve } from 'node:path';
import type { CancelSignals } from '../engine/run-options.ts';
import { errorToJson, exitCodeOf, toSendenseError } from '../errors/sendense-error.ts';
import { findSettings } from '../plan/load-settings.ts';
import type { RunEvent, RunFinishedEvent } from '../schemas/types.ts';
import type { Hub } from '../hub/hub.ts';
import type { JudgedPlan } from '../hub/runs/judged-plan.ts';
import type { RunRequest } from '../hub/runs/run-request.ts';
import { shortPath } from '../view/reports/error-report.ts';
import { openView } from '../view/run/open-view.ts';
import { applyEvent, emptyRun, type RunModel } from '../view/run/run-model.ts';
import { runSummary, shortSummary } from '../view/reports/run-summary.ts';
import { columnsOf } from '../view/terminal.ts';
import { printable, shellWord } from '../view/text.ts';
import type { CommandContext } from './command.ts';
import { inWordsOfOptions, type OptionNames } from './plan-of-options.ts';
import { ownProgram } from './own-program.ts';
import { reportError } from './report-error.ts';
import { keepMemorySmall } from './small-memory.ts';

export type Mode = 'auto' | 'full' | 'incremental';

export interface PlanToRun {
  /** Absolute. */
  readonly file: string;
  /** The plan itself, where it is in no file. */
  readonly text?: string;
  readonly mode?: Mode | undefined;
  /** The plan that the file has to have still, where the hub has judged it. */
  readonly judged?: JudgedPlan | undefined;
  /** Where a command made the text: which part of the command line each key comes from. */
  readonly options?: OptionNames | undefined;
  /** Begins it in another way than `Hub.run`; undefined: there was nothing to run. */
  begin?(hub: Hub, watch: Pick<RunRequest, 'emit' | 'cancel' | 'warn'>): Promise<RunFinishedEvent | undefined>;
}

/** Runs one plan and shows it; returns its exit status. Under --json the last line is `run.finished`, whatever happens. */
export async function runPlan(context: CommandContext, plan: PlanToRun, cancel: CancelSignals): Promise<number> {
  const { terminal, global } = context;
  const view = openView(terminal, global);
  const model = emptyRun();
  const emit = (event: RunEvent): void => {
    // A group has a run for each of its VMs in this process. One VM is backed up sooner without.
    if (event.type === 'run.started' && event.kind === 'group') keepMemorySmall();
    applyEvent(model, event);
    view.event(event);
  };
  let finished: RunFinishedEvent | undefined;
  let settings: string | null = '';
  const warnings: string[] = [];
  const warn = (message: string): void => void warnings.push(message);
  try {
    await using hub = await context.openHub({ startFolder: dirname(plan.file) });
    settings = context.rescued === undefined ? (context.reached ?? settingsOption(hub.settingsFile, context)) : null;
    const { begin, options: _options, ...request } = plan;
    const watch = { emit, cancel, warn };
    finished = begin ? await begin(hub, watch) : await hub.run({ ...request, ...watch });
    // What such a run leaves running needs somebody who looks after it.
    if (finished?.kind === 'boot' && context.reached === undefined)
      await (await hub.boots()).look({ program: ownProgram(), settingsFile: hub.settingsFile });
  } catch (thrown) {
    const error = inWordsOfOptions(thrown, plan.options);
    await view.close();
    if (global.json && !model.finished) emit(notStarted(plan, error));
    return reportError(error, { terminal, json: false });
  }
  await view.close();
  if (!finished) return 0;
  if (!global.json) tell(context, model, finished, settings);
  for (const warning of new Set(warnings))
    terminal.stderr.write(`${terminal.errorStyle.yellow('warning:')} ${printable(warning)}\n`);
  return finished.exit_code;
}

/** What a command needs that is typed here after the run, to find the same settings. */
function settingsOption(file: string, { global }: CommandContext): string {
  const found = global.config === undefined ? findSettings(process.cwd()) : undefined;
  return found !== undefined && resolve(found) === resolve(file) ? '' : ` --config ${shellWord(shortPath(file))}`;
}

function tell(
  { terminal, global }: CommandContext,
  model: RunModel,
  finished: RunFinishedEvent,
  settings: string | null,
): void {
  const succeeded = finished.status === 'succeeded';
  const stream = succeeded ? terminal.stdout : terminal.stderr;
  const style = succeeded ? terminal.style : terminal.errorStyle;
  if (global.quiet && succeeded) {
    for (const warning of finished.warnings)
      terminal.stderr.write(`${terminal.errorStyle.yellow('warning:')} ${printable(warning)}\n`);
    return void stream.write(`${shortSummary(finished)}\n`);
  }
  stream.write(`\n${runSummary(model, finished, { style, columns: columnsOf(stream), settings }).join('\n')}\n\n`);
}

/** What stands for a run that could not begin. */
function notStarted(plan: PlanToRun, error: unknown): RunFinishedEvent {
  return {
    type: 'run.finished',
    time: Date.now(),
    run_id: '',
    plan: plan.file,
    kind: '',
    vm: '',
    status: toSendenseError(error).code === 'run.cancelled' ? 'cancelled' : 'failed',
    exit_code: exitCodeOf(error),
    duration_ms: 0,
    backup_id: null,
    error: errorToJson(error),
    undo_errors: [],
    warnings: [],
    disks: [],
  };
}
