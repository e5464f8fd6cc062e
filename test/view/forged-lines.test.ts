import { expect, test } from 'vitest';
import type { RunEvent } from '../../src/schemas/types.ts';
import { messageOf, textOf } from '../../src/hub/notify/message.ts';
import { errorReport } from '../../src/view/reports/error-report.ts';
import { nodeReport } from '../../src/view/reports/nodes-report.ts';
import { runSummary } from '../../src/view/reports/run-summary.ts';
import { upkeepReport } from '../../src/view/reports/upkeep-report.ts';
import { openView } from '../../src/view/run/open-view.ts';
import { applyEvent, emptyRun } from '../../src/view/run/run-model.ts';
import { makeStyle } from '../../src/view/style.ts';
import { fakeTerminal, withoutEscapes } from './fake-terminal.ts';
import { failedRun, succeededRun } from './recorded-runs.ts';

const forged = '✔ Backup of nvm done';
const hostile = `no\n${forged}\r\n${forged}\u2028${forged}`;
const said = /^(?:message|remedy|reason|activity|phase_text|path|label)$/;

/** The value with the hostile text in all that a node, a command or a repository may have said. */
function withForged<T>(value: T, name = ''): T {
  if (typeof value === 'string') return (said.test(name) ? hostile : value) as T;
  if (Array.isArray(value))
    return (name === 'warnings' ? [hostile] : value.map((inner: unknown) => withForged(inner, name))) as T;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withForged(inner, key)])) as T;
}

const warned = (run: RunEvent[]): RunEvent[] =>
  run.flatMap((event): RunEvent[] =>
    event.type === 'step.succeeded'
      ? [
          {
            type: 'step.log',
            time: event.time,
            run_id: event.run_id,
            step: event.step,
            level: 'warning',
            message: 'w',
          },
          { type: 'step.log', time: event.time, run_id: event.run_id, step: event.step, level: 'info', message: 'i' },
          event,
        ]
      : [event],
  );

const runs: [string, RunEvent[]][] = [
  ['failed', withForged(warned(failedRun({ unclean: true })))],
  ['succeeded', withForged(warned(succeededRun()))],
];

const options = { style: makeStyle({ colour: false, unicode: true }), columns: Infinity };

const forgeries = (text: string): string[] =>
  withoutEscapes(text)
    .split(/[\n\r\v\f\u0085\u2028\u2029]/)
    .filter((line) => line.startsWith(forged));

test.each(runs.flatMap(([name, events]) => [true, false].map((isTTY) => [name, isTTY, events] as const)))(
  'what came from outside begins no line of its own in a %s run; on a terminal: %s',
  async (_name, isTTY, events) => {
    const { terminal, stdout, stderr } = fakeTerminal({ isTTY });
    const view = openView(terminal, { json: false, quiet: false });
    for (const event of events) {
      view.event(event);
      await Promise.resolve();
    }
    await view.close();
    expect(stderr.text).toContain(forged);
    expect(forgeries(stdout.text + stderr.text)).toEqual([]);
  },
);

test.each(runs)('nor in the summary of a %s run', (_name, events) => {
  const model = emptyRun();
  for (const event of events) applyEvent(model, event);
  if (!model.finished) throw new Error('the run has no end');
  expect(forgeries(runSummary(model, model.finished, options).join('\n'))).toEqual([]);
});

test('nor in errors, tables and remarks', () => {
  const error = { code: 'source.missing', message: hostile, remedy: hostile } as const;
  const node = { name: 'n', hostname: hostile, node_version: hostile, version_misfit: hostile, other_machine: null };
  const lines = [
    ...errorReport(error as never, options.style, options.columns),
    ...nodeReport({ nodes: [{ ...node, open_ports: [] }] } as never, options),
    ...upkeepReport({ troubles: [hostile], copies: [] } as never, options),
  ];
  expect(lines.join('\n')).toContain(forged);
  expect(forgeries(lines.join('\n'))).toEqual([]);
});

test('nor in a message to a channel: a line of its own is indented, and the subject is one line', () => {
  const details = { error: { remedy: hostile }, warnings: [hostile], members: [hostile] };
  const notice = {
    id: 'a',
    event: 'failure',
    plan: 'p',
    vm: hostile,
    repository: null,
    run_id: null,
    message: hostile,
    details: JSON.stringify(details),
    raised: 0,
  };
  const message = messageOf([notice] as never, 'hub', (text) => text);
  expect(message.subject).not.toMatch(/[\n\r\u2028]/);
  const text = textOf(message).join('\n');
  expect(text).toContain(forged);
  expect(forgeries(text)).toEqual([]);
  expect(forgeries(textOf(messageOf([notice, notice] as never, 'hub', (one) => one)).join('\n'))).toEqual([]);
});
