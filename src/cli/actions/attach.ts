import { installSignals } from '../../engine/install-signals.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { AttachedDisk, DetachOutput } from '../../schemas/types.ts';
import { attachedReport, attachedTitle, detachReport } from '../../view/reports/attached-report.ts';
import type { CommandContext } from '../command.ts';
import { confirmed } from '../confirmed.ts';
import { print } from '../print.ts';
import { attachToOf, placeOf, type PlaceOptions } from '../attach-places.ts';
import type { ToOptions } from '../restore-to.ts';
import { diskNumber, restoreTo, type WhatOptions } from './restore.ts';

export type AttachOptions = WhatOptions &
  Pick<ToOptions, 'to' | 'datastore' | 'thick' | 'resume' | 'node' | 'credential' | 'libvirt' | 'folder'> & {
    readonly vm?: string;
  };

/** Makes a restore plan of the command line and runs it. */
export async function attach(context: CommandContext): Promise<number> {
  const options = context.options as unknown as AttachOptions;
  return restoreTo(context, options, { name: 'attach', to: attachTo(options) });
}

/** The `to` of a plan. @throws SendenseError `usage` */
export const attachTo = ({ to, vm, datastore, thick, resume, node, credential, libvirt, folder }: AttachOptions) =>
  attachToOf(to, { vm, datastore, thick, resume, node, credential, libvirt, folder });

interface ListOptions extends PlaceOptions {
  readonly vm?: string;
}

export async function list(context: CommandContext): Promise<number> {
  const { vm, ...options } = context.options as ListOptions;
  const place = placeOf('SOURCE or', context.args[0], options);
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  using signals = installSignals();
  const output = await hub.attached.list({ place, vm, signal: signals.gently });
  print(context, output, (how) => attachedReport(output, how));
  return 0;
}

interface DetachOptions extends PlaceOptions {
  readonly from?: string;
  readonly point?: string;
  readonly disk?: readonly string[];
  readonly id?: readonly string[];
  readonly all?: boolean;
  readonly forget?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

export async function detach(context: CommandContext): Promise<number> {
  const options = context.options as DetachOptions;
  const { from, forget = false, dryRun = false, yes = false } = options;
  const [vm = ''] = context.args;
  const place = placeOf('--from', from, options);
  const numbers = options.disk?.map(diskNumber);
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  using signals = installSignals();
  const asked = { place, signal: signals.gently };
  const { disks, source } = await hub.attached.list({ ...asked, vm });
  const chosen = chosenOf(vm, disks, numbers, options);
  if (dryRun) {
    const [removed, forgotten] = [false, true].map((isForgotten) =>
      chosen.filter(({ problem }) => (problem !== null) === isForgotten),
    ) as [AttachedDisk[], AttachedDisk[]];
    const would: DetachOutput = { version: 1, source, removed, forgotten };
    print(context, would, (how) => attachedReport({ version: 1, source, disks: chosen }, how));
    return 0;
  }
  if (!yes && !(await mayRemove(context, chosen))) return 0;
  const output = await hub.attached.detach({ ...asked, disks: chosen, forget });
  print(context, output, (how) => detachReport(output, how));
  return 0;
}

/** @throws SendenseError `attach.unknown` where there are none, `usage` where several could be meant */
function chosenOf(
  vm: string,
  disks: readonly AttachedDisk[],
  numbers: readonly number[] | undefined,
  { point, id: ids, all = false }: DetachOptions,
): AttachedDisk[] {
  const named = disks.filter(
    (one) =>
      (numbers === undefined || numbers.some((number) => one.disk === `disk-${number}`)) &&
      (point === undefined || one.point === point) &&
      (ids === undefined || ids.includes(one.id)),
  );
  const there = disks.map(attachedTitle).join('; ');
  if (named.length === 0)
    throw new SendenseError(
      'attach.unknown',
      disks.length === 0
        ? `no disk of a restore point is attached to the VM ${vm}`
        : `no such disk is attached to the VM ${vm}; there is ${there}`,
    );
  if (named.length === 1 || all) return named;
  throw usage(
    `several disks are attached to the VM ${vm}: say which one (--disk, --point), or --all. There is ${there}`,
  );
}

/** @throws SendenseError `usage` where nobody can be asked */
async function mayRemove(context: CommandContext, disks: readonly AttachedDisk[]): Promise<boolean> {
  const what = disks.map(attachedTitle).join('; ');
  if (!context.askLine)
    throw usage(`what was written to the disk would be lost (${what}); say --yes, or --dry-run to see it only`);
  return confirmed(context, `Detach ${what}, and remove its file? What was written to it is lost.`);
}

const usage = (message: string): SendenseError =>
  new SendenseError('usage', message, { remedy: 'See `sendense-run detach --help` and `sendense-run attach --help`.' });
