/** Delivers what waits in the database of a folder as soon as a line comes; prints what it did. */
import { once } from 'node:events';
import { join } from 'node:path';
import { deliver } from '../../../src/hub/notify/deliver.ts';
import { requireSettings } from '../../../src/hub/runs/load-pipeline.ts';
import { openState } from '../../../src/state/database/open-state.ts';

const folder = process.argv[2] ?? '';
const { settings } = requireSettings(join(folder, 'sendense.yaml'), folder);
using state = openState(join(folder, 'sendense.db'));
process.stdout.write('ready\n');
await once(process.stdin, 'data');
const result = await deliver({
  state,
  settings,
  settingsFolder: folder,
  signal: new AbortController().signal,
  waitMs: 0,
  atOnce: true,
  warn: (message) => process.stderr.write(`${message}\n`),
});
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(0);
