import { resolve } from 'node:path';

/** The words that start this program again. */
export const ownProgram = (): readonly string[] => [
  process.execPath,
  ...process.execArgv,
  resolve(process.argv[1] ?? 'sendense-run'),
];
