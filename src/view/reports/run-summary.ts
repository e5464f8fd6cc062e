import type { SummaryOptions } from '../summary-options.ts';
import type {
  DiskResult,
  FilesExpectOutput,
  FilesPublishOutput,
  PointSelectOutput,
  Qcow2SealOutput,
  RunFinishedEvent,
} from '../../schemas/types.ts';
import { drillLines } from './drill-summary.ts';
import { errorReport, shortPath } from './error-report.ts';
import { groupCount, groupLines } from './group-summary.ts';
import { formatBytes, formatDuration, formatRate, formatTime, plural, ratioText } from '../format.ts';
import { machineLines } from './machine-summary.ts';
import { pruneSummary } from './prune-summary.ts';
import type { RunModel, StepModel } from '../run/run-model.ts';
import { sentBytes } from '../run/sent-bytes.ts';
import { verifyLines } from './verify-summary.ts';
import { command, flowed, labelled, printable, printableText, shellWord, widthOf } from '../text.ts';

const nouns: Readonly<Record<string, string>> = {
  backup: 'Backup',
  incremental: 'Incremental backup',
  restore: 'Restore',
  group: 'Backup of group',
  prune: 'Pruning',
  verify: 'Verification',
  keep: 'Restore point of what was written',
  boot: 'Start of VMs',
};

/** What a person wants to know when a run is over: what, how much, how long, where, next. */
export function runSummary(model: RunModel, finished: RunFinishedEvent, options: SummaryOptions): string[] {
  const noun = nouns[finished.kind] ?? finished.kind;
  // Kinds about several VMs go by the name of their plan.
  const what = finished.vm === '*' ? `${noun} ${finished.plan}` : `${noun} of ${finished.vm}`;
  return finished.status === 'succeeded'
    ? [...success(what, model, finished, options), ...warningLines(finished, options)]
    : [...failure(what, model, finished, options), ...warningLines(finished, options)];
}

/** One line, for `--quiet`. */
export function shortSummary(finished: RunFinishedEvent): string {
  const { plan, status, backup_id: id, duration_ms: duration, disks, runs } = finished;
  if (runs) return `${plan}: ${status}, ${groupCount(runs)}, ${formatDuration(duration)}`;
  const amounts = [
    plural(disks.length, 'disk'),
    `${formatBytes(sent(finished))} ${verb(finished)}`,
    formatDuration(duration),
  ];
  return `${plan}: ${status}${id ? `, ${id}` : ''}, ${amounts.join(', ')}`;
}

const sent = ({ disks }: RunFinishedEvent): number => disks.reduce((sum, disk) => sum + sentBytes(disk), 0);
const verb = ({ kind }: RunFinishedEvent): string => (kind === 'restore' ? 'written' : 'sent');

function success(what: string, model: RunModel, finished: RunFinishedEvent, options: SummaryOptions): string[] {
  const { style } = options;
  const following = next(finished, options);
  const mark = finished.exit_code === 0 ? style.green(style.symbols.done) : style.yellow(style.symbols.warning);
  const note = finished.exit_code === 0 ? '' : style.yellow(', with warnings');
  return [
    `${mark} ${style.bold(what)} done in ${formatDuration(finished.duration_ms)}${note}`,
    '',
    ...groupLines(finished.runs ?? [], style, options.columns),
    ...verifyLines(model, style, options.columns),
    ...drillLines(model, style, options.columns),
    ...diskLines(model, finished, options),
    ...filesLines(model, options),
    ...machineLines(model, options),
    ...pruneSummary(model, finished.kind, options),
    '',
    ...facts(model, finished, options),
    ...(following.length === 0 ? [] : ['', ...following]),
  ];
}

function diskLines(model: RunModel, finished: RunFinishedEvent, { style, columns }: SummaryOptions): string[] {
  const stored = storedTexts(model);
  return finished.disks.flatMap((disk) => {
    const amounts = [
      `${formatBytes(disk.bytes_total)} disk`,
      ...readAmount(disk, model.read.get(disk.disk) ?? 0),
      `${formatBytes(sentBytes(disk))} ${verb(finished)}`,
      ...(stored.has(disk.disk) ? [stored.get(disk.disk) ?? ''] : []),
    ];
    const mode = finished.kind === 'restore' ? '' : `${style.bold(disk.mode)}: `;
    const label = `  ${style.cyan(disk.disk)}  `;
    const indent = ' '.repeat(widthOf(disk.disk) + 4);
    return [
      ...flowed(label, `${mode}${amounts.join(', ')}`.split(' '), columns),
      ...(disk.reason ? labelled(indent, printableText(disk.reason), columns).map(style.dim) : []),
      ...(disk.path ? labelled(indent, printableText(shortPath(disk.path)), columns) : []),
    ];
  });
}

/** Of a restore of files: how many, how much, and where they are. */
function filesLines(model: RunModel, { columns }: SummaryOptions): string[] {
  const outputOf = <T>(uses: string): T | undefined =>
    [...model.steps.values()].find((step) => step.uses === uses && step.state === 'succeeded')?.output as T | undefined;
  const [named, expected] = [
    outputOf<FilesPublishOutput>('files.publish'),
    outputOf<FilesExpectOutput>('files.expect'),
  ];
  return [
    ...(expected ? [`  ${plural(expected.checked, 'file')} as expected`] : []),
    ...(named
      ? [
          `  ${plural(named.files, 'file')}, ${formatBytes(named.bytes)}`,
          ...labelled('  in      ', printableText(shortPath(named.directory)), columns),
          ...(named.left_out.length > 0 ? [`  left out ${named.left_out.length}`] : []),
        ]
      : []),
  ];
}

/** An incremental that had to read more than it sent says so. */
function readAmount(disk: DiskResult, seen: number): string[] {
  const { mode, bytes_total: total, bytes_read: read = seen } = disk;
  if (mode !== 'incremental' || read <= sentBytes(disk)) return [];
  return [read >= total ? 'read whole' : `${formatBytes(read)} read`];
}

function facts(model: RunModel, finished: RunFinishedEvent, { columns }: SummaryOptions): string[] {
  const moving = movingStep(model);
  const lines: string[] = [];
  if (finished.backup_id) lines.push(...labelled('  point   ', `${finished.backup_id}${whyText(model)}`, columns));
  lines.push(...labelled('  plan    ', `${finished.plan}, run ${finished.run_id}`, columns));
  if (moving?.durationMs && sent(finished) > 0) {
    const rate = formatRate((sent(finished) / moving.durationMs) * 1000);
    lines.push(`  rate    ${rate} (${formatBytes(sent(finished))} in ${formatDuration(moving.durationMs)})`);
  }
  return lines;
}

/** Of a restore: when its point was made, and why it is this one. */
function whyText(model: RunModel): string {
  const select = [...model.steps.values()].find(({ uses, state }) => uses === 'point.select' && state === 'succeeded');
  const { created, why } = (select?.output ?? {}) as Partial<PointSelectOutput>;
  return created === undefined || why === undefined ? '' : `, of ${formatTime(created)}: ${printable(why)}`;
}

function next(finished: RunFinishedEvent, { style, columns, settings = '' }: SummaryOptions): string[] {
  const { vm, backup_id: id, run_id: run } = finished;
  const say = (label: string, words: readonly string[]): string[] => command(label, words.map(style.cyan), columns);
  if (finished.kind === 'restore') {
    const file = finished.disks[0]?.path;
    // A file that is not of this machine.
    if (file?.startsWith('[')) return [];
    const look = file?.endsWith('.ova') === true ? ['tar', '-tvf'] : ['qemu-img', 'info'];
    return file ? say('  look    ', [...look, shellWord(shortPath(file))]) : [];
  }
  if (settings === null) return [];
  const program = [`sendense-run${settings}`];
  if (vm === '*') return say('  look    ', [...program, 'show', run]);
  return [
    ...say('  look    ', [...program, 'show', shellWord(vm)]),
    ...say('  restore ', [...program, 'restore', shellWord(vm), ...(id ? [`--point ${id}`] : []), '--to DIRECTORY']),
  ];
}

function failure(what: string, model: RunModel, finished: RunFinishedEvent, options: SummaryOptions): string[] {
  const { style, columns } = options;
  const where = failedStep(model);
  const word = finished.status === 'cancelled' ? ' CANCELLED ' : ' FAILED ';
  return [
    `${style.red(style.symbols.failed)} ${style.alarm(word)} ${style.bold(what)} after ${formatDuration(finished.duration_ms)}`,
    '',
    ...(finished.runs ? [...groupLines(finished.runs, style, columns), ''] : []),
    ...(finished.runs ? labelled('  done    ', groupCount(finished.runs), columns) : []),
    ...verifyLines(model, style, columns),
    ...drillLines(model, style, columns),
    ...(where ? [`  step    ${where.id} (${where.title})`] : []),
    ...(finished.error ? errorReport(finished.error, style, columns) : []),
    ...cleaned(model, finished, options),
    ...((where || finished.runs) && finished.run_id && options.settings !== null
      ? command(
          '  look    ',
          [`sendense-run${options.settings ?? ''}`, 'show', finished.run_id].map(style.cyan),
          columns,
        )
      : []),
    ...labelled('  run     ', `${finished.run_id}, plan ${finished.plan}, exit status ${finished.exit_code}`, columns),
  ];
}

function cleaned(model: RunModel, finished: RunFinishedEvent, { style, columns, settings }: SummaryOptions): string[] {
  if (finished.undo_errors.length > 0) {
    return [
      '',
      `  ${style.alarm(' NOT CLEANED UP ')} ${style.red(`${plural(finished.undo_errors.length, 'thing')} left behind:`)}`,
      ...finished.undo_errors.flatMap((error) => errorReport(error, style, columns)),
      ...(settings === null ? [] : [`  next    ${style.cyan(`sendense-run${settings ?? ''} recover`)}`]),
      '',
    ];
  }
  // Told to stop at once, the engine left the rest to the next recovery; its remedy says so.
  if (finished.error?.message.endsWith(', at once')) return [];
  const undone = model.undone.filter((id) => model.steps.get(id)?.undo === 'done');
  const left = model.kept.length > 0 ? '' : '; nothing unfinished is left behind';
  const what = undone.length > 0 ? `${undone.join(', ')}${left}` : 'nothing had to be undone';
  return [
    ...labelled('  cleaned ', what, columns),
    ...model.kept.flatMap((text) => labelled('  kept    ', printableText(text), columns).map(style.yellow)),
  ];
}

const warningLines = ({ warnings }: RunFinishedEvent, { style, columns }: SummaryOptions): string[] =>
  warnings.length === 0
    ? []
    : [
        '',
        ...warnings
          .flatMap((text) => labelled('  warning ', printableText(text), columns))
          .map((line) => style.yellow(line)),
      ];

const failedStep = (model: RunModel): StepModel | undefined =>
  [...model.steps.values()].find(({ state }) => state === 'failed' || state === 'running' || state === 'retrying');

/** The step that moved the data. */
const movingStep = (model: RunModel): StepModel | undefined =>
  [...model.steps.values()].find(({ uses }) => uses === 'node.transfer' || uses === 'restore.write');

/** Size of the new file of each disk in words, where the run sealed one. */
function storedTexts(model: RunModel): Map<string, string> {
  const seal = [...model.steps.values()].find(({ uses, state }) => uses === 'qcow2.seal' && state === 'succeeded');
  const disks = (seal?.output as Partial<Qcow2SealOutput> | null)?.disks ?? [];
  return new Map(
    disks.map(({ disk, file_bytes: bytes, compression }) => [
      disk,
      `${formatBytes(bytes)} stored${ratioText(bytes, compression?.plain_bytes ?? null)}`,
    ]),
  );
}
