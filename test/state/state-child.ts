/** A second process for the tests: `open PATH`, `write PATH RUN` (then waits), `ports PATH RUN FROM TO ROUNDS FOLDER`. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openState } from '../../src/state/database/open-state.ts';
import { allocatePorts, releasePorts } from '../../src/state/runs/port-leases.ts';
import { addRuns } from './temporary-state.ts';

const [verb, path = '', run = '', from = '', to = '', rounds = '', folder = ''] = process.argv.slice(2);
const state = openState(path);

if (verb === 'write') {
  addRuns(state, run);
  console.log('written');
  setInterval(() => {}, 1000);
}

if (verb === 'ports') {
  addRuns(state, run);
  for (let round = 0; round < Number(rounds); round++) {
    const ports = await allocatePorts(state, {
      count: 1 + (round % 3),
      from: Number(from),
      to: Number(to),
      owner: { runId: run, stepId: 's' },
      isFree: (port) => port % 10 !== 7,
    });
    // A file of that name means that two hold the port at once.
    for (const port of ports) writeFileSync(join(folder, String(port)), run, { flag: 'wx' });
    for (const port of ports) rmSync(join(folder, String(port)));
    releasePorts(state, run, 's');
  }
}
