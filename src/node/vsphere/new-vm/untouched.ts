import { SendenseError } from '../../../errors/sendense-error.ts';
import type { Vsphere } from '../vsphere.ts';
import { list, type Moref } from '../xml.ts';
import { disksOf } from '../vm-disks.ts';
import { otherInPlace } from '../in-place/in-place-mark.ts';
import type { MarkedVm } from './marked-vm.ts';

/** Why an unfinished VM is not ours to write to or to remove. */
export interface Touched {
  /** With its subject. */
  readonly why: string;
  /** False: it is another VM, to which somebody has copied what says that it is ours. */
  readonly isMade: boolean;
}

interface Sign extends Touched {
  readonly isIn: (vm: MarkedVm) => boolean;
}

/** What can be seen of the VM itself. The first one that is there counts. */
const signs: readonly Sign[] = [
  {
    why: 'nothing but its notes says that Sendense made it',
    isMade: false,
    isIn: ({ notes }) => notes === null,
  },
  {
    why: 'it is a copy of the VM that Sendense made',
    isMade: false,
    isIn: ({ notes, object }) => notes?.vm != null && notes.vm !== object.value,
  },
  {
    why: 'another run restores it in place, or has done so',
    isMade: true,
    isIn: ({ values, mark }) => otherInPlace(values.get('config.extraConfig'), mark.run) !== null,
  },
  { why: 'it runs', isMade: true, isIn: ({ isOn }) => isOn },
  { why: 'it is a template', isMade: true, isIn: ({ isTemplate }) => isTemplate },
  { why: 'it has a snapshot', isMade: true, isIn: (vm) => vm.hasSnapshot },
  {
    why: 'somebody has started it',
    isMade: true,
    isIn: ({ notes, starts }) => notes?.starts != null && notes.starts !== starts,
  },
  {
    why: 'somebody has changed its hardware or its disks',
    isMade: true,
    isIn: ({ notes, hardware }) => notes?.hardware != null && notes.hardware !== hardware,
  },
  {
    // Also while it is being made, when nothing else tells its hardware.
    why: 'somebody has given it a disk',
    isMade: true,
    isIn: ({ notes, values }) => notes?.disks != null && disksIn(values) > notes.disks,
  },
];

const disksIn = (values: MarkedVm['values']): number => disksOf(list(values.get('config.hardware'), 'device')).length;

/**
 * Whether somebody has used an unfinished VM: then what is on its disks may be theirs.
 * @returns null: nobody has
 * @throws SendenseError `vsphere.*`
 */
export async function touchedBy(vsphere: Vsphere, vm: MarkedVm, signal?: AbortSignal): Promise<Touched | null> {
  const sign = signs.find(({ isIn }) => isIn(vm));
  if (sign) return { why: sign.why, isMade: sign.isMade };
  return (await wasStarted(vsphere, vm.object, signal)) ? { why: 'somebody has started it', isMade: true } : null;
}

/** @throws SendenseError `target.unfit` where somebody has used it, `vsphere.*` */
export async function assertUntouched(vsphere: Vsphere, vm: MarkedVm, signal?: AbortSignal): Promise<void> {
  const touched = await touchedBy(vsphere, vm, signal);
  if (touched === null) return;
  throw new SendenseError(
    'target.unfit',
    `the VM ${vm.name} (${vm.object.value}) of an unfinished restore is not written to: ${touched.why}`,
    { remedy: wayOut },
  );
}

export const wayOut =
  'What is on its disks may be needed. Delete it in vSphere if nobody needs it, or give the new VM another name (`name`, --name).';

/** By either of the names that clients use for a type. Each start leaves one of them. */
const startEvents = ['VmStartingEvent', 'VmPoweredOnEvent', 'DrsVmPoweredOnEvent', 'VmResumingEvent'].flatMap(
  (name) => [name, `vim.event.${name}`],
);

/**
 * We start no VM before it is finished, so each event of a start is somebody else's. Events are forgotten, and some users may not read
 * them; then what the start has left in the VM tells.
 * @param since ms since the epoch, by the server's clock; default: ever
 */
export async function wasStarted(
  vsphere: Vsphere,
  vm: Moref,
  signal: AbortSignal | undefined,
  since?: number,
): Promise<boolean> {
  const { eventManager } = vsphere.content;
  if (!eventManager) return false;
  const entity = {
    fields: [
      ['entity', vm],
      ['recursion', 'self'],
    ],
  } as const;
  const filter = {
    fields: [
      ['entity', entity],
      ...(since === undefined ? [] : [['time', { fields: [['beginTime', new Date(since).toISOString()]] }] as const]),
      ['disableFullMessage', true],
      ['eventTypeId', startEvents],
    ],
  } as const;
  try {
    const found = await vsphere.call('QueryEvents', eventManager, [['filter', filter]], { signal, all: true });
    return list(found, 'returnval').length > 0;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof SendenseError && error.code === 'vsphere.permission') return false;
    throw error;
  }
}
