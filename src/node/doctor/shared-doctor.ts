import type { DoctorOutput } from '../../schemas/types.ts';
import type { DoctorSettings } from './run-doctor.ts';

/** Runs the checks of the doctor; whoever asks while they go on gets the same answer. */
export type SharedDoctor = () => Promise<DoctorOutput>;

/** Longer than any of its checks, one after the other, ms. */
const mostMs = 120_000;

/** @param settings asked each time: the API may not listen yet */
export function sharedDoctor(settings: () => DoctorSettings): SharedDoctor {
  let going: Promise<DoctorOutput> | null = null;
  const run = async (): Promise<DoctorOutput> => {
    // Few nodes are asked, and each run of an embedded one would load it.
    const { runDoctor } = await import('./run-doctor.ts');
    return await runDoctor({ settings: settings(), signal: AbortSignal.timeout(mostMs) });
  };
  return () => (going ??= run().finally(() => (going = null)));
}
