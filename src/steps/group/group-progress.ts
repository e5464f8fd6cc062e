import type { DiskProgress, OverallProgress } from '../../engine/step.ts';
import type { RunEvent } from '../../schemas/types.ts';

/** What the runs of a group's VMs do: one line for each VM that is at work, and how far the group is. */
export interface GroupProgress extends Disposable {
  follow(vm: string, event: RunEvent): void;
  /** The run of one more VM is over. */
  ended(succeeded: boolean): void;
}

export interface GroupProgressOptions {
  /** VMs of the group. */
  readonly total: number;
  report(lines: readonly DiskProgress[], overall: OverallProgress): void;
}

/** Each VM at work says ten times a second how far it is. The group says so once a second, however many there are. */
const everyMs = 1000;

export function groupProgress({ total, report }: GroupProgressOptions): GroupProgress {
  const lines = new Map<string, DiskProgress>();
  const began = performance.now();
  let done = 0;
  let failed = 0;
  const leftMs = (): number | null =>
    done === 0 ? null : Math.round(((performance.now() - began) / done) * (total - done));
  const soon = atMostEvery(everyMs, () => report([...lines.values()], { done, failed, total, left_ms: leftMs() }));
  return {
    follow(vm, event) {
      if (event.type === 'run.finished') lines.delete(vm);
      else if (event.type === 'run.started') lines.set(vm, sumOf(vm, 'preparing', []));
      else if (event.type === 'step.progress')
        lines.set(vm, sumOf(vm, event.disks[0]?.phase || 'copying', event.disks));
      else return;
      soon.call();
    },
    ended(succeeded) {
      done++;
      if (!succeeded) failed++;
      soon.call();
    },
    [Symbol.dispose]: soon.stop,
  };
}

/** Calls at once, and then at most once in `ms`; what was asked for meanwhile is one call at the end of that time. */
function atMostEvery(ms: number, act: () => void): { call(): void; stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  let wanted = false;
  const open = (): void => {
    timer = undefined;
    if (wanted) call();
  };
  const call = (): void => {
    wanted = timer !== undefined;
    if (wanted) return;
    timer = setTimeout(open, ms);
    act();
  };
  return {
    call,
    stop() {
      clearTimeout(timer);
      if (wanted) act();
    },
  };
}

function sumOf(vm: string, phase: string, disks: readonly DiskProgress[]): DiskProgress {
  const sum = (key: 'bytes_done' | 'bytes_total' | 'rate'): number =>
    disks.reduce((total, disk) => total + disk[key], 0);
  return { disk: vm, phase, bytes_done: sum('bytes_done'), bytes_total: sum('bytes_total'), rate: sum('rate') };
}
