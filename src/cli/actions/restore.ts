import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { installSignals } from '../../engine/install-signals.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { CommandContext } from '../command.ts';
import { runPlan } from '../run-plan.ts';
import { previewPlan } from './plan.ts';

interface RestoreOptions {
  readonly point: string;
  readonly to?: string;
  readonly format: 'raw' | 'qcow2' | 'vmdk';
  readonly subformat?: 'monolithicSparse' | 'streamOptimized';
  readonly thin?: boolean;
  readonly disk?: readonly string[];
  readonly verify: boolean;
  readonly identity?: string;
  readonly repository?: string;
  readonly dryRun?: boolean;
}

/** Makes a restore plan of the command line and runs it. */
export async function action(context: CommandContext): Promise<number> {
  const options = context.options as unknown as RestoreOptions;
  const vm = context.args[0] ?? '';
  const plan = planOf(vm, options, options.repository ?? (await repositoryOf(context, vm)));
  const request = {
    file: join(process.cwd(), `restore-${vm.replace(/[^A-Za-z0-9._-]/g, '_')}.yaml`),
    text: stringify(plan),
  };
  if (options.dryRun === true) return previewPlan(context, request);
  using signals = installSignals();
  // Awaited: the signals are let go of when this returns.
  return await runPlan(context, request, signals);
}

/** Checked as any plan is, when it is run. */
function planOf(vm: string, options: RestoreOptions, repository: string): Record<string, unknown> {
  const { to, format, subformat, thin } = options;
  if (to === undefined) throw usage('say where to restore to: --to DIRECTORY');
  if (subformat !== undefined && format !== 'vmdk') throw usage(`--subformat is for --format vmdk, not for ${format}`);
  if (thin === true && format !== 'qcow2') throw usage(`--thin is for --format qcow2, not for ${format}`);
  return {
    version: 1,
    kind: 'restore',
    name: `restore-${vm}`,
    vm: { name: vm, ...(options.identity === undefined ? {} : { identity: options.identity }) },
    repository,
    point: pointOf(options.point),
    to: { directory: resolve(to), format, ...(subformat ? { subformat } : {}), ...(thin ? { thin } : {}) },
    ...(options.disk ? { disks: options.disk.map(diskNumber) } : {}),
    verify: options.verify,
  };
}

function diskNumber(text: string): number {
  const number = /^(disk-)?([0-9]{1,3})$/.exec(text)?.[2];
  if (number === undefined) throw usage(`--disk ${text} is not a disk number such as 0 or 1`);
  return Number(number);
}

/** `latest`, a backup id, or `before TIME`. */
function pointOf(text: string): string | { readonly before: string } {
  const before = /^before\b[\s:=]*(.*)$/.exec(text)?.[1];
  return before === undefined ? text : { before: timeOf(before) };
}

/** ISO 8601, with zone or local; also a bare date, or date and time with a space. Gives UTC. */
function timeOf(text: string): string {
  const iso = text.trim().replace(/^(\d{4}-\d{2}-\d{2}) (?=\d)/, '$1T');
  const time = /^\d{4}-\d{2}-\d{2}/.test(iso) ? new Date(/T/.test(iso) ? iso : `${iso}T00:00`) : new Date(Number.NaN);
  if (Number.isNaN(time.getTime())) throw usage(`--point before ${text}: not a time such as 2026-11-20T01:00Z`);
  return time.toISOString();
}

/** The only repository, or the only one that has the VM. */
async function repositoryOf(context: CommandContext, vm: string): Promise<string> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const names = Object.keys(hub.settings.repositories);
  if (names.length === 1 && names[0] !== undefined) return names[0];
  const points = await hub.lines({ vm });
  const found = [...new Set(points.map(({ repository }) => repository))];
  if (found.length === 1 && found[0] !== undefined) return found[0];
  const which = found.length === 0 ? `no repository has VM ${vm}; there are` : `several repositories have VM ${vm}:`;
  throw usage(`${which} ${(found.length === 0 ? names : found).join(', ')}; name one with --repository`);
}

const usage = (message: string): SendenseError =>
  new SendenseError('usage', message, { remedy: 'See `sendense-run restore --help`.' });
