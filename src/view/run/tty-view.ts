import { subjectOf } from '../format.ts';
import { Listr, ListrDefaultRendererLogLevels as Level, ListrLogger, ProcessOutput, type ListrTask } from 'listr2';
import type { RunEvent } from '../../schemas/types.ts';
import { applyEvent, emptyRun, hasFailed, type RunModel, type StepModel } from './run-model.ts';
import type { RunView } from './run-view.ts';
import { stepLines, undoLines } from './step-line.ts';
import type { Style } from '../style.ts';
import { eraseReflowed } from './erase-reflowed.ts';
import { ownSpinner, type OwnSpinner } from './own-spinner.ts';
import { columnsOf, exactly, rowsOf, type Terminal } from '../terminal.ts';
import { padStart, widthOf } from '../text.ts';

/** How often elapsed times, bars and the spinner move on. What a step reaches is drawn at once. */
const tickMs = 200;

/**
 * One line a step, with bars below the one that moves data. listr2 only draws: each of its tasks waits until the events
 * say how its step ended, and it neither handles signals nor decides anything.
 */
export function ttyView(terminal: Terminal): RunView {
  const { errorStyle: style } = terminal;
  // It moves the cursor; `openView` has made harmless what it shows.
  const [stdout, stderr] = [exactly(terminal.stdout), exactly(terminal.stderr)];
  const streams = new ProcessOutput(stderr as NodeJS.WriteStream, stdout as NodeJS.WriteStream, {
    leaveEmptyLine: false,
  });
  const model = emptyRun();
  const ends = new Map<string, PromiseWithResolvers<void>>();
  const runEnd = Promise.withResolvers<void>();
  const titles = new Map<string, { title?: string | unknown[] }>();
  let drawing: Promise<unknown> | undefined;
  let ticker: NodeJS.Timeout | undefined;
  const spinner = ownSpinner(style);
  let moved = 0;

  const textOf = (step: StepModel): string => stepLines(step, lineOptions(model, terminal)).join('\n');
  /** Whether there was something new to draw. */
  const draw = (step: StepModel): boolean => {
    const task = titles.get(step.id);
    const text = textOf(step);
    if (!task || task.title === text) return false;
    task.title = text;
    return true;
  };
  const drawRunning = (): boolean =>
    [...model.steps.values()]
      .filter(({ state }) => state === 'running' || state === 'retrying')
      .map(draw)
      .includes(true);
  /** Bars, times and the spinner, at most once in `tickMs`: whoever moves data says ten times a second how far it is. */
  const moveOn = (time: number): void => {
    if (Math.abs(time - moved) < tickMs) return;
    moved = time;
    spinner.spin();
    if (!drawRunning()) spinner.redraw();
  };

  const taskOf = (step: StepModel): ListrTask => ({
    title: textOf(step),
    task: async (_context, task) => {
      titles.set(step.id, task);
      draw(step);
      await ends.get(step.id)?.promise;
      titles.delete(step.id);
      const text = textOf(step);
      task.title = text;
      if (step.state === 'failed') throw new Error(text);
      if (step.state !== 'succeeded') task.skip(text);
    },
  });
  const cleanUp: ListrTask = {
    task: async (_context, task) => {
      titles.set('', task);
      drawUndo();
      await runEnd.promise;
      titles.delete('');
      if (model.finished?.undo_errors.length) throw new Error('unclean');
    },
  };
  const drawUndo = (): void => {
    const task = titles.get('');
    if (task && model.undone.length > 0) task.title = undoOf(model, style).join('\n');
  };

  let columns = columnsOf(stderr);
  const onResize = (): void => {
    const drawn = [...model.steps.values()].flatMap((step) =>
      stepLines(step, { ...lineOptions(model, terminal), columns }),
    );
    const lines = [...drawn, ...undoOf(model, style)].map((line) => padStart(line, widthOf(line) + 2));
    streams.stdout.write(eraseReflowed(lines, columns - 2, columnsOf(stderr)));
    columns = columnsOf(stderr);
    drawRunning();
  };

  const start = (): void => {
    for (const id of model.steps.keys()) ends.set(id, Promise.withResolvers());
    const { plan = '', kind = '', vm = '', run_id = '' } = model.started ?? {};
    const { dot } = style.symbols;
    stderr.write(`\n${style.bold(plan)} ${style.dim(`${dot} ${subjectOf({ kind, vm })} ${dot} run ${run_id}`)}\n\n`);
    const options = rendererOptions(terminal, streams, spinner);
    const listr = new Listr([...[...model.steps.values()].map(taskOf), cleanUp], {
      concurrent: false,
      exitOnError: false,
      registerSignalListeners: false,
      renderer: 'default',
      rendererOptions: options,
      // Where standard output is a file, listr2 falls back; but this draws on standard error.
      fallbackRenderer: 'default',
      fallbackRendererOptions: options,
    });
    drawing = listr.run().catch(() => {});
    stderr.on?.('resize', onResize);
    ticker = setInterval(() => moveOn(Date.now()), tickMs / 2).unref();
  };

  const show = (event: RunEvent): void => {
    const step = applyEvent(model, event);
    if (event.type === 'run.started') return start();
    if (event.type === 'run.finished') {
      for (const end of ends.values()) end.resolve();
      return runEnd.resolve();
    }
    if (event.type.startsWith('undo.') || step?.undo === 'running') drawUndo();
    if (event.type === 'step.progress' || event.type === 'step.log') return moveOn(event.time);
    if (!step) return void drawRunning();
    draw(step);
    if (step.state === 'succeeded' || step.state === 'failed' || step.state === 'skipped') ends.get(step.id)?.resolve();
  };

  return {
    event: show,
    async close() {
      for (const end of ends.values()) end.resolve();
      runEnd.resolve();
      await drawing;
      clearInterval(ticker);
      stderr.off?.('resize', onResize);
    },
  };
}

const undoOf = (model: RunModel, style: Style): string[] =>
  model.undone.length === 0
    ? []
    : undoLines(
        model.undone.flatMap((id) => model.steps.get(id) ?? []),
        style,
      );

const lineOptions = (model: RunModel, { stderr, errorStyle: style }: Terminal) => ({
  style,
  columns: columnsOf(stderr),
  // The titles of the steps stand above and below, the head of the run and the prompt around them.
  barRows: Math.max(2, rowsOf(stderr) - model.steps.size - 6),
  titleWidth: Math.max(...[...model.steps.values()].map(({ title }) => widthOf(title))),
  now: Date.now(),
  failed: hasFailed(model),
  cancelledBy: model.cancelledBy,
});

function rendererOptions({ errorStyle: style }: Terminal, streams: ProcessOutput, spinner: OwnSpinner) {
  const { symbols } = style;
  return {
    formatOutput: 'truncate' as const,
    indentation: 2,
    showErrorMessage: false,
    logger: new ListrLogger<Level>({ useIcons: true, toStderr: [], processOutput: streams }),
    spinner,
    icon: {
      [Level.PENDING]: symbols.spinner[0] ?? '',
      [Level.COMPLETED]: symbols.done,
      [Level.FAILED]: symbols.failed,
      [Level.WAITING]: symbols.waiting,
      [Level.SKIPPED_WITH_COLLAPSE]: symbols.skipped,
    },
    color: {
      [Level.PENDING]: (text = '') => style.yellow(text),
      [Level.COMPLETED]: (text = '') => style.green(text),
      [Level.FAILED]: (text = '') => style.red(text),
      [Level.WAITING]: (text = '') => style.dim(text),
      [Level.SKIPPED_WITH_COLLAPSE]: (text = '') => style.dim(text),
    },
  };
}
