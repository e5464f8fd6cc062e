import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { installSignals } from '../../engine/install-signals.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { monthsNotMinutes } from '../../schemas/age-ms.ts';
import type { Secret } from '../../schemas/types.ts';
import type { CommandContext } from '../command.ts';
import type { OptionNames } from '../plan-of-options.ts';
import { pointChoice } from '../point-option.ts';
import { runPlan } from '../run-plan.ts';
import { previewPlan } from './plan.ts';

interface VerifyOptions {
  readonly vm?: readonly string[];
  readonly repository?: string;
  readonly point?: string;
  readonly level: 'quick' | 'digests' | 'deep';
  readonly points: string;
  readonly rate?: string;
  readonly boot?: boolean;
  readonly files?: boolean;
  readonly passphraseFile?: string;
  readonly serial?: string;
  readonly agent?: boolean;
  readonly accel: 'auto' | 'tcg' | 'kvm';
  readonly dryRun?: boolean;
}

/** Makes a verify plan of the command line and runs it. */
export async function action(context: CommandContext): Promise<number> {
  const options = context.options as unknown as VerifyOptions;
  const plan = planOf(options, options.repository ?? (await onlyRepository(context)));
  const request = { file: join(process.cwd(), 'verify.yaml'), text: stringify(plan), options: optionNames };
  if (options.dryRun === true) return previewPlan(context, request);
  using signals = installSignals();
  // Awaited: the signals are let go of when this returns.
  return await runPlan(context, request, signals);
}

/** Where each key of the plan comes from. */
const optionNames: OptionNames = {
  '/repository': '--repository',
  '/vms': '--vm',
  '/point': '--point',
  '/points': '--points',
  '/level': '--level',
  '/rate': '--rate',
  '/boot': '--boot',
  '/files': '--files',
  '/files/passphrase': '--passphrase-file',
  '/boot/serial': '--serial',
};

/** Checked as any plan is, when it is run. */
function planOf(options: VerifyOptions, repository: string): Record<string, unknown> {
  const { vm, point, level, rate, boot = false, files = false, passphraseFile, serial, agent, accel } = options;
  if (!boot && (serial !== undefined || agent === true)) throw usage('--serial and --agent are for --boot');
  if (!files && passphraseFile !== undefined) throw usage('--passphrase-file is for --files');
  return {
    version: 1,
    kind: 'verify',
    name: 'verify',
    repository,
    level,
    points: pointsOf(options.points),
    ...(vm ? { vms: vm } : {}),
    ...(point === undefined ? {} : { point: pointChoice(point) }),
    ...(rate === undefined ? {} : { rate }),
    ...(boot
      ? { boot: { accel, ...(serial === undefined ? {} : { serial: { mark: serial } }), ...(agent ? { agent } : {}) } }
      : {}),
    ...(files ? { files: passphraseFile === undefined ? {} : { passphrase: secretIn(passphraseFile) } } : {}),
  };
}

const secretIn = (file: string): Secret => ({ secret: { file: resolve(file) } });

function pointsOf(text: string): unknown {
  if (text === 'latest' || text === 'all') return text;
  if (/^[0-9.]+%$/.test(text)) return { share: text };
  if (/^[0-9]{1,6}(h|d|w|mo|y)$/.test(text)) return { notVerifiedFor: text };
  const months = monthsNotMinutes(text);
  if (months !== null)
    throw new SendenseError('usage', `--points ${text} could be minutes or months`, { remedy: months });
  throw usage(`--points ${text} is not latest, all, a share such as 10%, or an age such as 30d`);
}

async function onlyRepository(context: CommandContext): Promise<string> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const names = Object.keys(hub.settings.repositories);
  if (names.length === 1 && names[0] !== undefined) return names[0];
  throw usage(`there are several repositories: ${names.join(', ')}; name one with --repository`);
}

const usage = (message: string): SendenseError =>
  new SendenseError('usage', message, { remedy: 'See `sendense-run verify --help`.' });
