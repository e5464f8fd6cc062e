import { join } from 'node:path';
import { stringify } from 'yaml';
import { installSignals } from '../../engine/install-signals.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { notReadable } from '../../restore-points/choose/left-out.ts';
import type { CommandContext } from '../command.ts';
import { unknownName, unknownRepository } from '../find-target.ts';
import type { OptionNames } from '../plan-of-options.ts';
import { pointChoice } from '../point-option.ts';
import { toOfOptions, type ToOptions } from '../restore-to.ts';
import { runPlan } from '../run-plan.ts';
import { warnOfUnlisted } from '../warn-of-unlisted.ts';
import { previewPlan } from './plan.ts';

type RestoreOptions = ToOptions & WhatOptions;

/** Options that say what is restored. */
export interface WhatOptions {
  readonly point: string;
  readonly disk?: readonly string[];
  readonly verify: boolean;
  readonly identity?: string;
  readonly repository?: string;
  readonly dryRun?: boolean;
}

/** Makes a restore plan of the command line and runs it. */
export async function action(context: CommandContext): Promise<number> {
  const options = context.options as unknown as RestoreOptions;
  return restoreTo(context, options, { name: 'restore', to: toOfOptions(options) });
}

/** The same for a target that is known. @param what.name of the plan, before the name of the VM */
export async function restoreTo(
  context: CommandContext,
  options: WhatOptions,
  what: { readonly name: 'restore' | 'attach'; readonly to: Readonly<Record<string, unknown>> },
): Promise<number> {
  const vm = context.args[0] ?? '';
  // What the options say is checked before anything is looked up.
  const draft = planOf(vm, options, what);
  const plan = { ...draft, repository: await repositoryOf(context, vm, options.repository) };
  const request = {
    file: join(process.cwd(), `${what.name}-${vm.replace(/[^A-Za-z0-9._-]/g, '_')}.yaml`),
    text: stringify(plan),
    options: optionNames,
  };
  if (options.dryRun === true) return previewPlan(context, request);
  using signals = installSignals();
  // Awaited: the signals are let go of when this returns.
  return await runPlan(context, request, signals);
}

/** Checked as any plan is, when it is run. */
function planOf(
  vm: string,
  options: WhatOptions,
  { name, to }: { readonly name: string; readonly to: Readonly<Record<string, unknown>> },
): Record<string, unknown> {
  return {
    version: 1,
    kind: 'restore',
    name: `${name}-${vm}`,
    vm: { name: vm, ...(options.identity === undefined ? {} : { identity: options.identity }) },
    point: pointChoice(options.point),
    to,
    ...(options.disk ? { disks: options.disk.map(diskNumber) } : {}),
    verify: options.verify,
  };
}

/** @throws SendenseError `usage` */
export function diskNumber(text: string): number {
  const number = /^(disk-)?([0-9]{1,3})$/.exec(text)?.[2];
  if (number === undefined) throw usage(`--disk ${text} is not a disk number such as 0 or 1`);
  return Number(number);
}

/** Where each key of the plan comes from. */
const optionNames: OptionNames = {
  '/name': 'VM',
  '/vm': 'VM',
  '/repository': '--repository',
  '/point': '--point',
  '/to/directory': '--to',
  '/to/format': '--format',
  '/to/subformat': '--subformat',
  '/to/thin': '--thin',
  '/to/device': '--to',
  '/to/overwrite': '--overwrite',
  '/to/ova': '--to',
  '/to/guestId': '--guest-id',
  '/to/kvm': '--to',
  '/to/name': '--name',
  '/to/libvirt': '--libvirt',
  '/to/network': '--network',
  '/to/connect': '--connect',
  '/to/mac': '--keep-mac',
  '/to/identity': '--keep-identity',
  '/to/memory': '--memory',
  '/to/cpus': '--cpus',
  '/to/firmware': '--firmware',
  '/to/vsphere': '--to',
  '/to/inPlace': '--to',
  '/to/attach': '--to',
  '/to/vm': '--vm',
  '/to/folder': '--folder',
  '/to/pool': '--pool',
  '/to/datastore': '--datastore',
  '/to/node': '--node',
  '/to/credential': '--credential',
  '/to/start': '--start',
  '/to/start/serial': '--serial',
  '/disks': '--disk',
};

/** The one that is named, the only one, or the only one that has the VM. @throws SendenseError `point.unknown`, `usage` */
async function repositoryOf(context: CommandContext, vm: string, named: string | undefined): Promise<string> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  warnOfUnlisted(context, hub);
  const names = Object.keys(hub.settings.repositories);
  if (named !== undefined && !names.includes(named)) throw unknownRepository(named, names);
  const points = await hub.lines({});
  const found = [...new Set(points.filter((point) => point.vm === vm).map(({ repository }) => repository))];
  if (found.length === 0)
    throw (
      notReadable(hub.leftOut(undefined), vm) ?? unknownName(points, vm, 'no VM with restore points', context.rescued)
    );
  const wanted = named ?? (names.length === 1 ? names[0] : found.length === 1 ? found[0] : undefined);
  if (wanted !== undefined) return wanted;
  throw usage(`several repositories have VM ${vm}: ${found.join(', ')}; name one with --repository`);
}

const usage = (message: string): SendenseError =>
  new SendenseError('usage', message, { remedy: 'See `sendense-run restore --help`.' });
