import type { RunEvent } from '../../../schemas/types.ts';

/** A run that takes a day says ten times a second how far it is; its log need not. */
const everyMs = 10_000;

/**
 * Which events of a run its log keeps: all, but of progress that of every ten seconds, and each new phase of a disk. The phases of a
 * group's VMs are in the logs of their own runs.
 */
export function thinProgress(): (event: RunEvent) => boolean {
  const told = new Map<string, { time: number; phases: string }>();
  return (event) => {
    if (event.type !== 'step.progress') return true;
    const phases = event.overall ? '' : event.disks.map(({ disk, phase }) => `${disk} ${phase}`).join();
    const last = told.get(event.step);
    if (last && last.phases === phases && event.time - last.time < everyMs) return false;
    told.set(event.step, { time: event.time, phases });
    return true;
  };
}
