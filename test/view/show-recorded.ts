/** Plays a recorded run at its own pace, to look at the views by eye: `node test/view/show-recorded.ts [failed|unclean] [speed]`. */
import { setTimeout as wait } from 'node:timers/promises';
import { openView } from '../../src/view/run/open-view.ts';
import { applyEvent, emptyRun } from '../../src/view/run/run-model.ts';
import { runSummary } from '../../src/view/reports/run-summary.ts';
import { columnsOf, openTerminal } from '../../src/view/terminal.ts';
import { failedRun, succeededRun } from './recorded-runs.ts';

const [which = 'succeeded', speed = '1'] = process.argv.slice(2);
const events =
  which === 'succeeded' ? succeededRun() : failedRun({ unclean: which === 'unclean', file: process.argv[1] });
const terminal = openTerminal({ stdout: process.stdout, stderr: process.stderr, env: process.env, noColour: false });
const view = openView(terminal, { json: false, quiet: false });
const model = emptyRun();
const shift = Date.now() - (events[0]?.time ?? 0);
let last = events[0]?.time ?? 0;
for (const event of events) {
  await wait(Math.max(0, event.time - last) / Number(speed));
  last = event.time;
  view.event({ ...event, time: event.time + shift });
  applyEvent(model, event);
}
await view.close();
const finished = model.finished;
if (finished)
  console.log(
    `\n${runSummary(model, finished, { style: terminal.style, columns: columnsOf(process.stdout) }).join('\n')}`,
  );
