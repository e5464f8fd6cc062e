import type {
  DiskResult,
  FilesPublishOutput,
  HubRestore,
  PointSelectOutput,
  RestoreConvertOutput,
  RestoreStartOutput,
  RestoreWriteOutput,
} from '../../schemas/types.ts';
import { sentBytes } from '../../view/run/sent-bytes.ts';
import { shellWord } from '../../view/text.ts';
import type { State } from '../../state/database/open-state.ts';
import { findRun, listSteps } from '../../state/runs/runs.ts';
import { askedStatus } from './asked-status.ts';

type Machine = NonNullable<RestoreWriteOutput['machine']>;

/** How far a restore is, and what it has made, from the journal of its run. Undefined: there is no such restore. */
export function describeRestore(state: State, runId: string): HubRestore | undefined {
  const run = findRun(state, runId);
  if (run?.kind !== 'restore') return undefined;
  const steps = new Map(listSteps(state, runId).map((step) => [step.uses, step]));
  const outputOf = <Output>(uses: string): Output | null => {
    const step = steps.get(uses);
    return step?.state === 'succeeded' ? (step.output as Output) : null;
  };
  const point = outputOf<PointSelectOutput>('point.select');
  const written = outputOf<RestoreWriteOutput>('restore.write');
  const machine = outputOf<RestoreConvertOutput>('restore.convert')?.machine ?? written?.machine ?? null;
  const taken = outputOf<FilesPublishOutput>('files.publish');
  const status = askedStatus(run);
  const isComplete = status === 'complete';
  return {
    version: 1,
    run_id: run.id,
    plan: run.plan,
    vm: run.vm,
    repository: run.repository ?? '',
    status,
    started: run.started,
    finished: run.finished,
    backup_id: point?.backup_id ?? null,
    created: point?.created ?? null,
    why: point?.why ?? null,
    target: written?.target ?? null,
    directory: written?.directory ?? null,
    disks: isComplete ? disksOf(run.result?.['disks']) : [],
    machine: isComplete && machine ? machineOf(machine, outputOf<RestoreStartOutput>('restore.start')) : null,
    files: isComplete && taken ? { files: taken.files, bytes: taken.bytes, directory: taken.directory } : null,
    error: run.error,
  };
}

const disksOf = (disks: unknown): HubRestore['disks'] =>
  (Array.isArray(disks) ? (disks as DiskResult[]) : []).map((disk) => ({
    disk: disk.disk,
    bytes_total: disk.bytes_total,
    bytes_written: sentBytes(disk),
    path: disk.path,
  }));

function machineOf(machine: Machine, started: RestoreStartOutput | null): HubRestore['machine'] {
  const { name, notes } = machine;
  if ('vm' in machine)
    return {
      name,
      place: `${machine.vm} in vSphere (${machine.host})`,
      started: machine.power_on || started !== null,
      start: null,
      notes,
    };
  if ('domain' in machine)
    return {
      name,
      place: `in libvirt (${machine.uri}), as it was, with the disks`,
      started: false,
      start: null,
      notes,
    };
  const script = machine.files.find(({ disk }) => disk === 'start.sh')?.file ?? '';
  const words = machine.libvirt === null ? [script] : ['virsh', '--connect', machine.libvirt, 'start', name];
  return {
    name,
    place: machine.libvirt === null ? 'not in libvirt' : `in libvirt (${machine.libvirt})`,
    started: started !== null,
    start: words.map(shellWord).join(' '),
    notes,
  };
}
