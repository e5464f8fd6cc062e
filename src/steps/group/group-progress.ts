import type { DiskProgress } from '../../engine/step.ts';
import type { RunEvent } from '../../schemas/types.ts';

/** What the runs of a group's VMs do, one line for each VM that is at work. */
export interface GroupProgress {
  follow(vm: string, event: RunEvent): void;
}

export function groupProgress(report: (lines: readonly DiskProgress[]) => void): GroupProgress {
  const lines = new Map<string, DiskProgress>();
  return {
    follow(vm, event) {
      if (event.type === 'run.finished') lines.delete(vm);
      else if (event.type === 'run.started') lines.set(vm, sumOf(vm, 'preparing', []));
      else if (event.type === 'step.progress')
        lines.set(vm, sumOf(vm, event.disks[0]?.phase || 'copying', event.disks));
      else return;
      report([...lines.values()]);
    },
  };
}

function sumOf(vm: string, phase: string, disks: readonly DiskProgress[]): DiskProgress {
  const sum = (key: 'bytes_done' | 'bytes_total' | 'rate'): number =>
    disks.reduce((total, disk) => total + disk[key], 0);
  return { disk: vm, phase, bytes_done: sum('bytes_done'), bytes_total: sum('bytes_total'), rate: sum('rate') };
}
