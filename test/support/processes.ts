import { liveProcesses } from '../../src/host/programs/process-identity.ts';

/** Command lines of the processes that name a text, this one excepted. */
export const processesNaming = (text: string): string[] =>
  [...liveProcesses()]
    .filter(({ identity }) => identity.pid !== process.pid)
    .map(({ argv }) => argv.join(' '))
    .filter((argv) => argv.includes(text));
