import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { GroupedRun, RunEvent, RunFinishedEvent } from '../../src/schemas/types.ts';
import { openView } from '../../src/view/run/open-view.ts';
import { emptyRun } from '../../src/view/run/run-model.ts';
import { runSummary, shortSummary } from '../../src/view/reports/run-summary.ts';
import { makeStyle } from '../../src/view/style.ts';
import { widthOf } from '../../src/view/text.ts';
import { fakeTerminal, withoutEscapes } from './fake-terminal.ts';

const at = { time: 1_795_224_165_000, run_id: 'r' };
const title = 'Back up the VMs of the group';

const started: RunEvent[] = [
  {
    ...at,
    type: 'run.started',
    plan: 'all',
    kind: 'group',
    vm: '*',
    file: '/all.yaml',
    steps: [{ id: 'run', uses: 'group.run', title }],
  },
  { ...at, type: 'step.started', step: 'run', uses: 'group.run', title, attempt: 1 },
];

const progress = (count: number, bytes = 1, failed = 2): RunEvent => ({
  ...at,
  type: 'step.progress',
  step: 'run',
  disks: Array.from({ length: count }, (_, vm) => ({
    disk: `web${vm}`,
    phase: 'copying',
    bytes_done: bytes,
    bytes_total: 1000,
    rate: 10,
  })),
  overall: { done: 38, failed, total: 300, left_ms: 12 * 60_000 },
});

const run = (vm: string, more: Partial<GroupedRun>): GroupedRun => ({
  vm,
  context: vm,
  plan: `all.${vm}`,
  run_id: `run-${vm}`,
  status: 'succeeded',
  exit_code: 0,
  backup_id: 'b',
  kind: 'full',
  bytes_transferred: 1024,
  duration_ms: 100,
  message: null,
  warnings: [],
  ...more,
});

const cancelled: RunFinishedEvent = {
  ...at,
  type: 'run.finished',
  plan: 'all',
  kind: 'group',
  vm: '*',
  status: 'cancelled',
  exit_code: 130,
  duration_ms: 1000,
  backup_id: null,
  error: { code: 'run.cancelled', message: 'cancelled by SIGINT', remedy: 'Run it again.', position: null },
  undo_errors: [],
  warnings: [],
  disks: [],
  runs: [
    run('web1', {}),
    run('web2', { status: 'failed', message: 'no' }),
    run('web3', { status: 'cancelled', message: 'cancelled by SIGINT' }),
    ...['web4', 'web5'].map((vm) => run(vm, { run_id: null, status: 'cancelled', message: 'cancelled by SIGINT' })),
  ],
};

describe('a group on a terminal', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance', 'Date'] }));
  afterEach(() => void vi.useRealTimers());

  async function draw(columns: number, vms: number) {
    const fake = fakeTerminal({ isTTY: true, columns });
    fake.stderr.rows = 24;
    const view = openView(fake.terminal, { json: false, quiet: false });
    for (const event of started) view.event(event);
    // listr2 reads its parts with `import()` before it draws.
    await vi.waitFor(() => expect(fake.stderr.text).toContain(title));
    vi.advanceTimersByTime(1000);
    const before = fake.stderr.text.length;
    for (let tenth = 0; tenth < 50; tenth++) {
      view.event({ ...progress(vms, tenth), time: Date.now() });
      view.event({
        ...at,
        time: Date.now(),
        type: 'step.log',
        step: 'run',
        level: 'info',
        message: `web${tenth} waits`,
      });
      vi.advanceTimersByTime(100);
    }
    const drawn = fake.stderr.text.slice(before);
    for (const event of [{ ...cancelled, runs: [] }]) view.event(event);
    await view.close();
    // Each picture begins with the code for an update in one piece.
    return { frames: drawn.split('\u001b[?2026h').length - 1, lines: withoutEscapes(drawn).split(/\r?\n/) };
  }

  test('is drawn at most five times a second, however often it reports', async () => {
    const { frames } = await draw(80, 4);
    expect(frames).toBeGreaterThan(10);
    expect(frames).toBeLessThanOrEqual(26);
  });

  test.each([60, 80])(
    'says how many are done, how many failed and how long it takes, in %i columns',
    async (columns) => {
      const { lines } = await draw(columns, 4);
      expect(lines).toContainEqual(expect.stringMatching(/^ +38 of 300, 2 failed, 12 min left$/));
      expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(columns);
    },
  );

  test('takes no more rows than there are, and counts what it does not show', async () => {
    const { lines } = await draw(80, 100);
    expect(lines.findLast((line) => line.includes('more'))).toMatch(/^ +and 84 more$/);
  });
});

describe('a group that was stopped', () => {
  const summary = runSummary(emptyRun(), cancelled, {
    style: makeStyle({ colour: false, unicode: true }),
    columns: 60,
  });

  test('says how many were done, and names who failed but not who did not begin', () => {
    expect(summary).toContain('  done    5 VMs, 1 succeeded, 1 failed, 3 not done');
    expect(summary).toContain('  ⚠ 2 VMs did not begin');
    expect(summary.join('\n')).not.toContain('web5');
    expect(summary.join('\n')).toContain('sendense-run show r');
    expect(Math.max(...summary.map(widthOf))).toBeLessThanOrEqual(60);
  });

  test('says so in one line too', () => {
    expect(shortSummary(cancelled)).toBe('all: cancelled, 5 VMs, 1 succeeded, 1 failed, 3 not done, 1.0 s');
  });
});
