import type { RunView } from './run-view.ts';
import { exactly, type OutputStream } from '../terminal.ts';

/** One JSON line an event, see `schemas/output/run-event.json`. */
export const jsonView = (stdout: OutputStream): RunView => ({
  event: (event) => void exactly(stdout).write(`${JSON.stringify(event)}\n`),
  close: () => Promise.resolve(),
});
