import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mkdtempDisposableSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/schemas/types.ts';
import { describeErrors, validatorOf } from '../../src/schemas/validator.ts';
import { openView } from '../../src/view/run/open-view.ts';
import { applyEvent, emptyRun } from '../../src/view/run/run-model.ts';
import { runSummary, shortSummary } from '../../src/view/reports/run-summary.ts';
import { undoLines } from '../../src/view/run/step-line.ts';
import { makeStyle } from '../../src/view/style.ts';
import { fakeTerminal, withoutEscapes } from './fake-terminal.ts';
import { failedRun, succeededRun } from './recorded-runs.ts';

async function show(
  events: readonly RunEvent[],
  options: Parameters<typeof fakeTerminal>[0] & { json?: boolean; quiet?: boolean } = {},
) {
  const fake = fakeTerminal(options);
  const view = openView(fake.terminal, { json: options.json ?? false, quiet: options.quiet ?? false });
  for (const event of events) {
    view.event(event);
    await Promise.resolve();
  }
  await view.close();
  return { stdout: fake.stdout.text, stderr: fake.stderr.text };
}

function summaryOf(events: readonly RunEvent[], columns = 80): string {
  const model = emptyRun();
  for (const event of events) applyEvent(model, event);
  if (!model.finished) throw new Error('the run has no end');
  return runSummary(model, model.finished, { style: makeStyle({ colour: false, unicode: true }), columns }).join('\n');
}

describe('recorded runs', () => {
  it.each([
    ['succeeded', succeededRun()],
    ['failed', failedRun({ unclean: true })],
  ])('have only events that the schema allows: %s', (_name, events) => {
    const validate = validatorOf('output/run-event.json');
    for (const event of events) expect(validate(event), `${event.type}: ${describeErrors(validate.errors)}`).toBe(true);
  });
});

describe('JSON view', () => {
  it('writes each event as one line on standard output and nothing else', async () => {
    const events = succeededRun();
    const { stdout, stderr } = await show(events, { json: true, isTTY: true });
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as RunEvent),
    ).toEqual(events);
    expect(stderr).toBe('');
  });
});

describe('quiet view', () => {
  it('writes nothing while the run goes on', async () => {
    expect(await show(failedRun(), { quiet: true, isTTY: true })).toEqual({ stdout: '', stderr: '' });
  });
});

describe('plain view', () => {
  it('writes a line with the time for each step and what it found', async () => {
    const { stderr } = await show(succeededRun());
    expect(stderr).toMatch(/^\d\d:\d\d:\d\d pgtest1-nightly: backup of pgtest1, run /);
    expect(stderr).toMatch(
      /\d\d:\d\d:\d\d Ask the node for the VM's disks\n\d\d:\d\d:\d\d {3}done in 0.1 s: 2 disks, 3 GiB\n/,
    );
    expect(stderr).not.toContain('\u001b');
  });

  it('tells progress at most every ten per cent or ten seconds', async () => {
    const progress = Array.from({ length: 1000 }, (_, index): RunEvent => ({
      type: 'step.progress',
      time: 1_000_000 + index * 10,
      run_id: 'r',
      step: 'transfer',
      disks: [{ disk: 'disk-0', phase: 'copying', bytes_done: index, bytes_total: 1000, rate: 100 }],
    }));
    const { stderr } = await show(progress);
    expect(stderr.trimEnd().split('\n')).toHaveLength(10);
  });

  it.each([
    ['incremental', 'nothing changed'],
    ['full', 'nothing to copy'],
  ])('says what it means that an %s backup of a disk copied nothing', async (mode, text) => {
    const step = { time: 1_000_000, run_id: 'r', duration_ms: 1 };
    const disk = { disk: 'disk-0', bytes_done: 0, bytes_total: 0, rate: 0 };
    const { stderr } = await show([
      { ...step, type: 'step.started', step: 'decide', uses: 'chain.decide', title: 'Decide', attempt: 1 },
      { ...step, type: 'step.succeeded', step: 'decide', output: { disks: [{ disk: 'disk-0', mode }] } },
      { ...step, type: 'step.progress', step: 'transfer', disks: [{ ...disk, phase: 'copying' }] },
      { ...step, type: 'step.progress', step: 'transfer', disks: [{ ...disk, phase: 'done' }] },
    ] as RunEvent[]);
    expect(stderr).toMatch(/ {5}disk-0 copying\n/);
    expect(stderr).toContain(`disk-0 done: ${text}\n`);
    expect(stderr).not.toContain('0 B');
  });

  it('tells retries, warnings, clean-up and what could not be cleaned up', async () => {
    const { stderr } = await show(failedRun({ unclean: true }));
    expect(stderr).toContain('warning: disk-1 is slow');
    expect(stderr).toContain('failed: job.failed: disk-1: reading');
    expect(stderr).toContain('Cleaning up: Serve the files with qemu-nbd');
    expect(stderr).toContain('could not be cleaned up: run.unclean');
  });
});

describe('terminal view', () => {
  const last = (text: string): string => {
    const all = withoutEscapes(text);
    return all.slice(all.lastIndexOf('Check tools'));
  };

  it('ends with one line a step, its duration and what it found', async () => {
    const { stderr, stdout } = await show(succeededRun(), { isTTY: true });
    expect(last(stderr)).toMatch(/✔ Copy the disks +10\.0 s {2}432 MiB sent\n/);
    expect(stdout).toBe('');
  });

  it('shows what failed, what was not run, and the clean-up', async () => {
    const { stderr } = await show(failedRun({ unclean: true }), { isTTY: true });
    const text = last(stderr);
    expect(text).toMatch(/✘ Copy the disks .*job\.failed/);
    expect(text).toMatch(/○ Commit the restore point +not run/);
    expect(text).toMatch(/✘ Clean up\n +✔ Copy the disks\n +✔ Serve the files with qemu-nbd\n +✘ Create qcow2 files/);
  });

  it('draws a bar for each disk and never a line that is wider than the terminal', async () => {
    const fake = fakeTerminal({ isTTY: true, columns: 80 });
    const view = openView(fake.terminal, { json: false, quiet: false });
    for (const event of succeededRun()) {
      view.event(event);
      if (event.type === 'step.progress') await new Promise((resolve) => setImmediate(resolve));
    }
    await view.close();
    const lines = withoutEscapes(fake.stderr.text).split(/\r?\n/);
    expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(80);
    expect(lines.some((line) => /disk-0 +digesting +█+░+ +\d+ %/.test(line))).toBe(true);
  });

  it('shows the cursor again and takes its listener away', async () => {
    const { stderr } = await show(succeededRun(), { isTTY: true });
    expect(stderr.lastIndexOf('\u001b[?25h')).toBeGreaterThan(stderr.lastIndexOf('\u001b[?25l'));
  });

  it('leaves signals alone', async () => {
    const before = process.listenerCount('SIGINT');
    const fake = fakeTerminal({ isTTY: true });
    const view = openView(fake.terminal, { json: false, quiet: false });
    for (const event of succeededRun().slice(0, 8)) view.event(event);
    expect(process.listenerCount('SIGINT')).toBe(before);
    await view.close();
  });

  it('says in the clean-up what a step waits for, and nothing of what it said before', () => {
    const model = emptyRun();
    const step = { time: 1, run_id: 'r', step: 'transfer' };
    const drawn = (): string =>
      undoLines([...model.steps.values()], makeStyle({ colour: false, unicode: true })).join('\n');
    applyEvent(model, { ...step, type: 'step.started', uses: 'node.transfer', title: 'Copy the disks', attempt: 1 });
    applyEvent(model, { ...step, type: 'step.log', level: 'info', message: 'reading' });
    applyEvent(model, { ...step, type: 'undo.started' });
    expect(drawn()).not.toContain('reading');
    applyEvent(model, { ...step, type: 'step.log', level: 'info', message: 'waiting for job 1 to end' });
    expect(drawn()).toContain('waiting for job 1 to end');
    applyEvent(model, { ...step, type: 'undo.finished' });
    expect(drawn()).not.toContain('waiting');
  });

  it('does not count the undo before another try as clean-up', () => {
    const model = emptyRun();
    const step = { time: 1, run_id: 'r', step: 'serve' };
    const error = { code: 'nbd.failed', message: 'no', remedy: 'try', position: null };
    applyEvent(model, { ...step, type: 'step.started', uses: 'nbd.serve', title: 'Serve', attempt: 1 });
    applyEvent(model, { ...step, type: 'step.failed', duration_ms: 1, error, retry_in_ms: 5 });
    applyEvent(model, { ...step, type: 'undo.started' });
    applyEvent(model, { ...step, type: 'undo.finished' });
    expect(model.undone).toEqual([]);
  });
});

describe('summary', () => {
  it('says what, how much, how long, where and what next', () => {
    const text = summaryOf(succeededRun());
    expect(text).toContain('Backup of pgtest1 done in 12.8 s');
    expect(text).toContain('disk-0  incremental: 2 GiB disk, read whole, 12 MiB sent, 13 MiB stored');
    expect(text).toContain('the disk is new: no restore point of it exists');
    expect(text).toContain('/srv/repository/pgtest1/disk-1/pgtest1-20261121T013000Z.qcow2');
    expect(text).toContain('43.2 MiB/s (432 MiB in 10.0 s)');
    expect(text).toContain(
      'sendense-run restore pgtest1 --point pgtest1-20261121T013000Z \\\n          --to DIRECTORY',
    );
    expect(summaryOf(succeededRun(), Number.POSITIVE_INFINITY)).toContain(
      'sendense-run restore pgtest1 --point pgtest1-20261121T013000Z --to DIRECTORY',
    );
  });

  it('names error, place in the plan, remedy and what was cleaned up after a failure', () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'view-'));
    const file = join(folder.path, 'plan.yaml');
    writeFileSync(file, 'version: 1\nkind: backup\nvm:   { name: pgtest1 }\n');
    const text = summaryOf(failedRun({ file }));
    expect(text).toContain(' FAILED  Backup of pgtest1');
    expect(text).toContain('job.failed: disk-1: reading');
    expect(text).toMatch(/plan\.yaml:3:7\n +3 │ vm: {3}\{ name: pgtest1 \}\n +│ {7}\^/);
    expect(text).toContain('transfer, serve, create, ports; nothing unfinished is left behind');
    expect(text).toContain('exit status 1');
  });

  it('says loudly what could not be cleaned up', () => {
    const text = summaryOf(failedRun({ unclean: true }));
    expect(text).toContain('NOT CLEANED UP');
    expect(text).toContain('x.qcow2 cannot be removed');
    expect(text).toContain('sendense-run recover');
    expect(text).not.toContain('is left behind');
  });

  it('is one line when quiet', () => {
    const finished = succeededRun().at(-1);
    if (finished?.type !== 'run.finished') throw new Error('no end');
    expect(shortSummary(finished)).toBe(
      'pgtest1-nightly: succeeded, pgtest1-20261121T013000Z, 2 disks, 432 MiB sent, 12.8 s',
    );
  });
});
