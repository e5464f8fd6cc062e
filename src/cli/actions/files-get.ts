import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { installSignals } from '../../engine/install-signals.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { shownName } from '../../files/shown.ts';
import { namedFull, temporaryPlace } from '../../host/files/full-disk.ts';
import { pinFolder } from '../../host/files/pinned-folder.ts';
import type { FilesTakenOutput } from '../../schemas/types.ts';
import { filesTakenReport } from '../../view/reports/files-found-report.ts';
import { printable } from '../../view/text.ts';
import { assertFolder } from '../assert-folder.ts';
import type { CommandContext } from '../command.ts';
import type { FilePlace } from '../../files/client/files-client.ts';
import { strange } from '../../files/client/judge-answers.ts';
import { cutOff } from '../../files/client/cut-off.ts';
import { feed } from '../../files/feed.ts';
import { inPoint, type OpenPoint } from '../files/in-point.ts';
import { isLoss } from '../../files/take/take-selection.ts';
import { removeDeadParts } from '../../files/take/part.ts';
import { assertAllFree, takeOut, type Wanted } from '../../files/take/take-out.ts';
import { takeProgress, type TakeProgress } from '../files/take-progress.ts';
import { print } from '../print.ts';

interface Options {
  readonly to: string;
  readonly overwrite?: boolean;
  readonly resume?: boolean;
}

/** Ends with this where something was left out. */
const withWarnings = 3;
const notWhole = 1;

export async function get(context: CommandContext): Promise<number> {
  const { to } = context.options as unknown as Options;
  if (to === undefined) throw new SendenseError('usage', 'say where to: --to FOLDER, or --to - for a tar archive');
  if (to === '') throw new SendenseError('usage', '--to is empty', { remedy: 'Write `--to .` for this folder.' });
  if (to === '-' && process.stdout.isTTY)
    throw new SendenseError('usage', 'a terminal cannot take an archive', {
      remedy: 'Write `--to - > FILE.tar`, `--to - | tar -t`, or `--to FOLDER`.',
    });
  if (to !== '-') assertFolder('--to', to);
  return inPoint(context, async (point) => {
    const places: FilePlace[] = [];
    for (const text of context.args.slice(1)) places.push(await point.at(text));
    using signals = installSignals();
    using progress = takeProgress(context.terminal, context.global.quiet);
    const work = { point, places, signal: signals.gently, progress };
    if (to === '-') return await toStandardOutput(context, work);
    const folder = resolve(to);
    return await toFolder(context, folder, work).catch((error: unknown) => {
      throw namedFull(error, [{ path: folder, what: 'the target' }, temporaryPlace()]);
    });
  });
}

interface Work {
  readonly point: OpenPoint;
  readonly places: readonly FilePlace[];
  readonly signal: AbortSignal;
  readonly progress: TakeProgress;
}

async function toStandardOutput(context: CommandContext, { point, places, signal, progress }: Work): Promise<number> {
  const [first] = places;
  if (!first) throw new SendenseError('usage', 'say which file or folder');
  if (places.some(({ volume }) => volume !== first.volume))
    throw new SendenseError('usage', 'one archive holds files of one volume', {
      remedy: 'Write an archive for each volume.',
    });
  const { stream, giveBack, leftOut } = await point.client.archive(
    { session: first.session, volume: first.volume, paths: places.map(({ path }) => path) },
    signal,
  );
  progress.begin('archive', null);
  stream.on('data', (piece: Buffer) => progress.add(piece.length)).pause();
  const isTaken = await feed(stream, process.stdout, giveBack).catch((error: NodeJS.ErrnoException) => {
    signal.throwIfAborted();
    throw error.code === 'ECONNRESET' ? cutOff(error) : error;
  });
  if (!isTaken) {
    progress[Symbol.dispose]();
    // Whoever reads it may have had enough, as `head`.
    if (!context.global.quiet) context.terminal.stderr.write('standard output was closed: the archive is not whole\n');
    return notWhole;
  }
  return tellLeftOut(context, leftOut().filter(isLoss));
}

async function toFolder(
  context: CommandContext,
  folder: string,
  { point, places, signal, progress }: Work,
): Promise<number> {
  const { overwrite = false, resume = false } = context.options as unknown as Options;
  const { client, files } = point;
  const wanted = await wantedAt(context, point, places, folder);
  await mkdir(folder, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EEXIST' && cause.code !== 'ENOTDIR') throw cause;
    throw new SendenseError('usage', `--to ${folder} is no folder`, { cause, remedy: 'Name a folder, or a new one.' });
  });
  await using target = await pinFolder(folder);
  await removeDeadParts(target);
  assertAllFree(target, wanted, overwrite);
  const taken: FilesTakenOutput['taken'] = [];
  const leftOut: string[] = [];
  for (const one of wanted) {
    const { volume, path, entry } = one.stat;
    progress.begin(shownName(one.name), entry.type === 'file' ? entry.size : null);
    leftOut.push(
      ...one.stat.warnings,
      ...(await takeOut(client, one, target, {
        point: files.backup_id,
        overwrite,
        resume,
        signal,
        onBytes: (bytes) => progress.add(bytes),
        onResume: (bytes) => progress.add(bytes),
      })),
    );
    taken.push({ volume, path, type: entry.type, to: one.shown });
  }
  progress[Symbol.dispose]();
  const output: FilesTakenOutput = {
    version: 1,
    vm: files.vm,
    backup_id: files.backup_id,
    taken,
    bytes: progress.bytes,
    left_out: leftOut,
  };
  print(context, output, () => filesTakenReport(output));
  return tellLeftOut(context, leftOut);
}

/** What is wrong with a place is told before the first byte is read. */
async function wantedAt(
  context: CommandContext,
  { client }: OpenPoint,
  places: readonly FilePlace[],
  folder: string,
): Promise<Wanted[]> {
  const wanted: Wanted[] = [];
  for (const place of places) {
    const stat = await client.stat(place);
    const path = Buffer.from(stat.entry.id, 'base64url');
    const name =
      path.length === 0 ? Buffer.from(place.volume.replaceAll('/', '-')) : path.subarray(path.lastIndexOf(0x2f) + 1);
    assertName(name, context.reached === undefined ? null : place);
    if (stat.entry.type === 'socket' || stat.entry.type === 'char' || stat.entry.type === 'block')
      throw new SendenseError(
        'files.type',
        `${stat.path} is a ${stat.entry.type === 'socket' ? 'socket' : 'device'}, which is not taken out`,
      );
    const shown = join(folder, shownName(name));
    if (wanted.some((other) => other.name.equals(name)))
      throw new SendenseError('usage', `two of them would be ${shown}`, { remedy: 'Take them out into two folders.' });
    wanted.push({ place: { ...place, path: path.toString('base64url') }, stat, name, shown });
  }
  if (wanted.length === 0) throw new SendenseError('usage', 'say which file or folder');
  return wanted;
}

/**
 * The name of what is taken out is one name in the folder.
 * @param asked where another machine answers: that name, but for what no file system tells apart
 * @throws SendenseError `remote.answer`
 */
function assertName(name: Buffer, asked: FilePlace | null): void {
  const text = name.toString('latin1');
  const [wanted = ''] =
    asked === null ? [] : Buffer.from(asked.path, 'base64url').toString('latin1').split('/').slice(-1);
  const isOther = !['', '.', '..'].includes(wanted) && wanted.toLowerCase() !== text.toLowerCase();
  if (['', '.', '..'].includes(text) || /[/\0]/.test(text) || isOther)
    throw strange(`it calls ${shownName(Buffer.from(wanted, 'latin1'))} ${shownName(name)}`);
}

function tellLeftOut({ terminal, global }: CommandContext, lines: readonly string[]): number {
  if (lines.length === 0) return 0;
  if (!global.quiet)
    for (const line of lines)
      terminal.stderr.write(
        `${terminal.errorStyle.yellow('left out:')} ${printable(line.replace(/^tar: (?:\.\/)?/, ''))}\n`,
      );
  return withWarnings;
}
