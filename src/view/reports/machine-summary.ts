import type {
  AttachedDomain,
  RestoreConvertOutput,
  RestoreStartOutput,
  RestoreWriteOutput,
  VsphereMachine,
} from '../../schemas/types.ts';
import type { SummaryOptions } from '../summary-options.ts';
import type { RunModel } from '../run/run-model.ts';
import { command, labelled, printableText, shellWord } from '../text.ts';
import { shortPath } from './error-report.ts';

/** Of a restore that makes a VM: where it is, what is not as it was, and how it is started. */
export function machineLines(model: RunModel, { style, columns }: SummaryOptions): string[] {
  const written = outputOf<RestoreWriteOutput>(model, 'restore.write');
  const converted = outputOf<RestoreConvertOutput>(model, 'restore.convert');
  const machine = converted?.machine ?? written?.machine ?? null;
  if (machine === null) return [];
  if ('vm' in machine) return vsphereLines(machine, startedLines(model, columns), columns);
  if ('domain' in machine) return domainLines(machine, columns);
  const { name, libvirt, files, notes } = machine;
  const script = files.find(({ disk }) => disk === 'start.sh')?.file ?? '';
  const start = (libvirt === null ? [shortPath(script)] : ['virsh', '--connect', libvirt, 'start', name]).map(
    shellWord,
  );
  return [
    '',
    ...labelled('  vm      ', `${name}${libvirt === null ? ', not in libvirt' : `, in libvirt (${libvirt})`}`, columns),
    ...(converted === null ? [] : convertedLines(converted, columns)),
    ...notes.flatMap((note) => labelled('  note    ', printableText(note), columns)),
    ...(startedLines(model, columns) ?? command('  start   ', start.map(style.cyan), columns)),
  ];
}

/** What a step answered; null: it was not there, or failed. */
function outputOf<O>(model: RunModel, uses: string): O | null {
  const step = [...model.steps.values()].find((one) => one.uses === uses && one.state === 'succeeded');
  return step === undefined ? null : (step.output as O);
}

const convertedLines = ({ problem, sign, seconds, screenshot }: RestoreConvertOutput, columns: number): string[] => [
  ...labelled(
    '  virtio  ',
    problem === null
      ? `converted in ${Math.round(seconds)} s, and booted (${sign})`
      : 'not converted; it has the hardware that its guest knows',
    columns,
  ),
  ...(screenshot === null ? [] : labelled('  screen  ', shortPath(screenshot), columns)),
];

/** Null: it was not started, or did not come up. */
function startedLines(model: RunModel, columns: number): string[] | null {
  const started = outputOf<RestoreStartOutput>(model, 'restore.start');
  if (started === null) return null;
  const { sign, seconds, screenshot } = started;
  return [
    ...labelled('  started ', `up after ${Math.round(seconds)} s (${sign})`, columns),
    ...(screenshot === null ? [] : labelled('  screen  ', shortPath(screenshot), columns)),
  ];
}

const vsphereLines = (machine: VsphereMachine, judged: readonly string[] | null, columns: number): string[] => {
  const { name, vm, host, power_on: isStarted, attach_to: receiver, notes } = machine;
  const what = receiver
    ? `${receiver.name} (${receiver.vm}) in vSphere (${host}) has ${machine.disks.map(({ disk }) => disk).join(', ')} of ${machine.point}`
    : `${name} (${vm}) in vSphere (${host})${isStarted || judged !== null ? '' : ', not started'}`;
  return [...vmLines(what, notes, columns), ...(judged ?? [])];
};

const domainLines = ({ name, uri, disks, point, notes }: AttachedDomain, columns: number): string[] =>
  vmLines(`${name} in libvirt (${uri}) has ${disks.map(({ disk }) => disk).join(', ')} of ${point}`, notes, columns);

const vmLines = (what: string, notes: readonly string[], columns: number): string[] => [
  '',
  ...labelled('  vm      ', printableText(what), columns),
  ...notes.flatMap((note) => labelled('  note    ', printableText(note), columns)),
];
