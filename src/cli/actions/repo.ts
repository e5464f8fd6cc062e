import { randomBytes } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { installSignals } from '../../engine/install-signals.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { fsyncFolder, writeNewFile } from '../../host/files/files.ts';
import { keyIdOf } from '../../repository/image-keys.ts';
import type { GcOutput, NewKeyOutput } from '../../schemas/types.ts';
import { gcReport } from '../../view/reports/gc-report.ts';
import { importReport } from '../../view/reports/import-report.ts';
import { repositoriesReport, repositoryReport, usageReport } from '../../view/reports/repositories-report.ts';
import { printable } from '../../view/text.ts';
import type { CommandContext } from '../command.ts';
import { confirmed } from '../confirmed.ts';
import { copyOrMove } from '../copy-or-move.ts';
import { print } from '../print.ts';

export const copy = (context: CommandContext): Promise<number> => copyOrMove(context, false);

export async function gc(context: CommandContext): Promise<number> {
  const { dryRun = false, yes = false, purge = false } = context.options as Record<string, boolean | undefined>;
  const repository = context.args[0];
  if (!dryRun && !yes && !context.askLine)
    throw new SendenseError('usage', 'say --yes, or --dry-run to see what would be removed');
  using signals = installSignals();
  const request = { repository, purge, signal: signals.gently };
  const tell = (output: GcOutput): void => print(context, output, (options) => gcReport(output, options));
  if (dryRun || !yes) {
    await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
    const output = await hub.care.gc({ ...request, dryRun: true });
    if (dryRun || isNothing(output)) {
      tell(output);
      return statusOf(output);
    }
    print({ ...context, global: { ...context.global, json: false } }, output, (options) => gcReport(output, options));
    if (!(await confirmed(context, purge ? 'Remove this for good?' : 'Put this aside?'))) return 0;
  }
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const output = await hub.care.gc({ ...request, dryRun: false });
  tell(output);
  return statusOf(output);
}

const isNothing = ({ repositories }: GcOutput): boolean =>
  repositories.every(({ removed, expired }) => removed.length === 0 && expired.length === 0);

/** Where a VM was not judged, that is a warning. */
const statusOf = ({ repositories }: GcOutput): number =>
  repositories.some(({ skipped }) => skipped.length > 0) ? 3 : 0;

export async function importPoints(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd() });
  using signals = installSignals();
  const output = await hub.importRepository(context.args[0] ?? '', {
    forgetMissing: context.options['forgetMissing'] === true,
    signal: signals.gently,
  });
  print(context, output, (options) => importReport(output, options));
  return output.refused.length + (output.shared?.length ?? 0) > 0 ? 3 : 0;
}

export async function list(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const output = await hub.care.repositories({ probe: false });
  print(context, output, (options) => repositoriesReport(output, options));
  return 0;
}

export const move = (context: CommandContext): Promise<number> => copyOrMove(context, true);

/** 256 bits: 44 characters of base64, and no newline, so that qemu-img itself can read the file as the key. */
const makeKey = (): string => randomBytes(32).toString('base64');

export async function newKey(context: CommandContext): Promise<number> {
  const file = resolve(context.args[0] ?? '');
  const key = makeKey();
  try {
    await writeNewFile(file, key, 0o600);
    await fsyncFolder(dirname(file));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST')
      throw new SendenseError('file.exists', `${file} exists already`, { remedy: 'Name a file that does not exist.' });
    throw new SendenseError('file.unreadable', `${file} cannot be written (${code})`, { cause: error });
  }
  const output: NewKeyOutput = { version: 1, file, key_id: keyIdOf(key) };
  print(context, output, ({ style }) => [
    `${style.bold(file)}  key ${output.key_id}`,
    'Keep a copy where the repository is not: without it nobody reads what it encrypts.',
  ]);
  return 0;
}

/** Speaks on standard output; an error was told there, and goes to standard error too. */
export async function receive(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd() });
  using signals = installSignals();
  await hub.care.receive({
    repository: context.args[0] ?? '',
    input: process.stdin,
    output: process.stdout,
    signal: signals.gently,
  });
  return 0;
}

export async function repair(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const output = await hub.care.repair(context.args[0] ?? '');
  print(context, output, ({ style }) => {
    const { repository, path, id, made, put_aside: aside } = output;
    const done = style.green(style.symbols.done);
    if (!made) return [`${done} ${repository}: nothing to do, ${printable(path)} is the repository ${id}`];
    return [
      `${done} ${repository}: ${printable(path)} is the repository ${id} again`,
      ...(aside === null ? [] : [`  the damaged file is kept for 7 days: ${printable(aside)}`]),
    ];
  });
  return 0;
}

export async function show(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const output = await hub.care.repositories({ repository: context.args[0], probe: true });
  print(context, output, (options) => repositoryReport(output, options));
  return output.repositories.some(({ state }) => state === 'unusable') ? 1 : 0;
}

export async function usage(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const output = await hub.care.repositories({ repository: context.args[0], probe: false });
  print(context, output, (options) => usageReport(output, options));
  return output.repositories.some(({ state }) => state === 'unusable') ? 1 : 0;
}
