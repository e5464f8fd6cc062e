import { readdirSync } from 'node:fs';
import { argvOf, identityOf } from '../../src/host/process-identity.ts';

/** Command lines of the processes that name a text, this one excepted. */
export const processesNaming = (text: string): string[] =>
  readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid && identityOf(Number(name)) !== null)
    .map((pid) => argvOf(Number(pid)).join(' '))
    .filter((argv) => argv.includes(text));
