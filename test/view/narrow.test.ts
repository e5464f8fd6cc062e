import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { PlanOutput, RestorePointOutput, StatusOutput, UpkeepOutput } from '../../src/schemas/types.ts';
import { listReport } from '../../src/view/reports/list-report.ts';
import { planReport } from '../../src/view/reports/plan-report.ts';
import { showReport } from '../../src/view/reports/show-report.ts';
import { nagiosUnknown } from '../../src/view/reports/status-nagios.ts';
import { statusReport } from '../../src/view/reports/status-report.ts';
import { makeStyle } from '../../src/view/style.ts';
import allWidths from '../../src/view/all-widths.ts';
import { command, cut, fit, foldedTable, shortened, table, widthOf } from '../../src/view/text.ts';
import { upkeepReport } from '../../src/view/reports/upkeep-report.ts';
import { point } from '../cli/fake-hub.ts';

const plain = makeStyle({ colour: false, unicode: true });
const whole = Number.POSITIVE_INFINITY;
const widths = [60, 80, 120];
const widestOf = (lines: readonly string[]): number => Math.max(...lines.map(widthOf));

const id = (day: number): string => `202611${day}T013000Z-0000${day}`;
const long = (given: RestorePointOutput): RestorePointOutput => ({
  ...given,
  vm: 'a-virtual-machine-with-a-long-name',
  disks: given.disks.map((disk) => ({
    ...disk,
    change_id: `digest:${'0123456789abcdef'.repeat(4)}`,
    path: `/srv/backups/sendense/repository/a-virtual-machine-with-a-long-name/disk-0/${given.backup_id}.qcow2`,
  })),
  warnings: ['one'],
});
const points = [
  long(point(id(11), null, 1_795_224_165_000)),
  long(point(id(12), id(11), 1_795_310_565_000)),
  long(point(id(13), id(11), 1_795_396_965_000)),
];

const status: StatusOutput = {
  version: 1,
  runs: [
    {
      run_id: id(13),
      plan: 'a-virtual-machine-nightly',
      vm: 'a-virtual-machine-with-a-long-name',
      kind: 'backup',
      status: 'failed',
      started: 1_795_224_165_000,
      finished: 1_795_224_166_000,
      exit_code: 1,
      backup_id: null,
      error: { code: 'job.failed', message: 'disk 2000: it could not be read', remedy: 'Try again.', position: null },
      owner_alive: false,
    },
  ],
  leases: [],
  locks: [],
  plans: [
    {
      plan: 'a-virtual-machine-nightly',
      kind: 'backup',
      vm: 'a-virtual-machine-with-a-long-name',
      repository: 'primary',
      file: '/etc/sendense/plans/nightly.yaml',
      state: 'late',
      late: true,
      last_success: 1_795_224_165_000,
      last_success_run: id(12),
      age_ms: 111_600_000,
      rpo_ms: 93_600_000,
      last_failure: 1_795_224_166_000,
      last_failure_run: id(13),
      failing_since: 1_795_224_166_000,
      failures: 2,
      error: { code: 'job.failed', message: 'disk 2000: it could not be read', remedy: 'Try again.', position: null },
      missed_slots: 1,
      paused: null,
    },
  ],
  repositories: [
    {
      repository: 'a-repository-with-a-long-name',
      points: 3,
      reread_within_ms: 2_592_000_000,
      oldest_read: 1_790_224_165_000,
      oldest_age_ms: 5_086_400_000,
      late_points: 2,
    },
  ],
  in_future: [
    { what: 'success', plan: 'a-virtual-machine-nightly', vm: null, repository: null, time: 1_995_224_165_000 },
  ],
  channels: [
    { channel: 'operators', failing_since: 1_795_224_166_000, failures: 3, error: 'no answer within 30s', waiting: 2 },
  ],
};

const plan: PlanOutput = {
  version: 1,
  plan: 'a-virtual-machine-nightly',
  kind: 'backup',
  vm: 'a-virtual-machine-with-a-long-name',
  steps: [
    {
      id: 'transfer',
      uses: 'node.transfer',
      title: 'Copy the disks',
      runs: 'maybe',
      effects: [
        {
          action: 'send',
          target: 'POST /api/v1/backup/start to node local',
          detail: `nbd_targets=${[0, 1, 2].map((key) => `${key}:nbd://127.0.0.1:1010${key}/disk-${key}-${id(13)}`).join(',')}`,
          argv: null,
        },
        {
          action: 'create',
          target: points[0]?.disks[0]?.path ?? '',
          detail: '',
          argv: ['qemu-img', 'create', '-q', '-f', 'qcow2', '-o', 'compat=1.1,cluster_size=65536,lazy_refcounts=off'],
        },
      ],
      notes: [`job ${id(13)} of a node with a name`],
      unknown: ['how much of disk-0 changed: found while it is read'],
    },
  ],
  disks: [],
  estimated_bytes: null,
};

describe.each(widths)('on a terminal of %i columns', (columns) => {
  it.each([
    ['list', listReport({ version: 1, points }, undefined, { style: plain, columns })],
    [
      'list of several repositories',
      listReport({ version: 1, points: [...points, { ...point(id(14), null, 1), repository: 'second' }] }, undefined, {
        style: plain,
        columns,
      }),
    ],
    [
      'show',
      showReport(
        { version: 1, vm: points[0]?.vm ?? '', repository: 'primary', selected: id(12), points },
        { style: plain, columns },
      ),
    ],
    ['status', statusReport(status, { style: plain, columns })],
    ['plan', planReport(plan, { style: plain, columns })],
  ])('no line of %s is longer', (_name, lines) => {
    expect(lines.filter((line) => widthOf(line) > columns)).toEqual([]);
  });
});

describe('list', () => {
  it('names each VM once, above its points, where a line for all does not fit', () => {
    const lines = listReport({ version: 1, points }, undefined, { style: plain, columns: 80 });
    expect(lines.slice(0, 3)).toEqual([
      expect.stringMatching(/^RESTORE POINT +KIND +CREATED +STORED +DISKS +CHAIN$/),
      'a-virtual-machine-with-a-long-name',
      expect.stringMatching(/^20261111T013000Z-000011 +full +\d{4}-\d\d-\d\d \d\d:\d\d +1 MiB +1 +1$/),
    ]);
    expect(lines).toHaveLength(6);
  });

  it('has one whole line a point in a pipe', () => {
    const lines = listReport({ version: 1, points }, undefined, { style: plain, columns: whole });
    expect(lines[1]).toMatch(
      /^a-virtual-machine-with-a-long-name +20261111T013000Z-000011 +full .*:\d\d +1 MiB +1 +1$/,
    );
    expect(lines).toHaveLength(5);
  });
});

describe('show', () => {
  it('has whole change ids and paths in a pipe', () => {
    const text = showReport(
      { version: 1, vm: points[0]?.vm ?? '', repository: 'primary', selected: null, points },
      { style: plain, columns: whole },
    ).join('\n');
    expect(text).toContain(points[0]?.disks[0]?.change_id);
    expect(text).toContain(points[0]?.disks[0]?.path);
    expect(text).not.toContain('…');
  });
});

it('no name and no message from outside steers the terminal', () => {
  const evil = 'web\u001b]0;owned\u0007\u009b2J';
  const named = points.map((entry) => ({ ...entry, vm: evil }));
  const upkeep = {
    version: 1,
    runs_summarised: 0,
    logs_removed: 0,
    log_bytes_freed: 0,
    database_bytes_freed: 0,
    copies: [],
    troubles: [evil],
  } as const;
  for (const columns of [30, whole]) {
    const options = { style: plain, columns };
    const lines = [
      ...listReport({ version: 1, points: named }, undefined, options),
      ...listReport({ version: 1, points: [] }, evil, options),
      ...showReport({ version: 1, vm: evil, repository: 'primary', selected: null, points: named }, options),
      ...upkeepReport(upkeep as unknown as UpkeepOutput, options),
      nagiosUnknown(evil).line,
    ];
    // eslint-disable-next-line no-control-regex
    expect(lines.join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  }
});

describe('names in any script', () => {
  // What a terminal needs for each, as `wcwidth` and the Unicode tables say.
  const names: [string, number][] = [
    ['plain', 5],
    ['日本語ホスト', 12],
    ['서버', 4],
    ['🖥️-web', 6],
    ['👩‍💻', 2],
    ['Mu\u0308nchen', 7],
    ['ｆｕｌｌ', 8],
  ];

  it.each(names)('%s takes as many columns as a terminal gives it', (name, width) => {
    expect(widthOf(name)).toBe(width);
    expect(widthOf(`\u001b[36m${name}\u001b[39m`)).toBe(width);
  });

  it('the signs of the views are measured without the tables, and take what the tables say', () => {
    for (const sign of ' az~·–…│├└─◆◇●○█░✔✘⚠↩⠀⠋⣿') {
      expect([sign, allWidths(sign)]).toEqual([sign, 1]);
      expect(widthOf(`${sign}${sign}`)).toBe(2);
    }
    // What changes the sign before it is in no such text.
    for (const text of ['⚠\ufe0f', '○\u0301', '…\u200d'])
      expect([text, widthOf(text)]).toEqual([text, allWidths(text)]);
  });

  it('stand in tables whose columns are aligned', () => {
    const rows = table(names.map(([name]) => [name, 'next']));
    expect(new Set(rows.map((row) => widthOf(row.slice(0, row.indexOf('next')))))).toEqual(new Set([14]));
  });

  it('are cut between characters, and to the columns that there are', () => {
    expect(cut('日本語', 5)).toBe('日本');
    expect(cut('a👩‍💻b', 3)).toBe('a👩‍💻');
    expect(fit('日本語ホスト', 5)).toEqual(['日本', '語ホ', 'スト']);
    expect(fit('Mu\u0308u\u0308u\u0308', 3)).toEqual(['Mu\u0308u\u0308', 'u\u0308']);
    expect(widthOf(shortened('日本語ホスト日本語ホスト', 9, plain))).toBeLessThanOrEqual(9);
  });
});

describe('a text that is too long', () => {
  it('goes on in the next line, at a slash where there is one', () => {
    expect(fit('/srv/repository/pgtest1/disk-0.qcow2', 22)).toEqual(['/srv/repository/', 'pgtest1/disk-0.qcow2']);
    expect(fit('x'.repeat(25), 10)).toEqual(['x'.repeat(10), 'x'.repeat(10), 'x'.repeat(5)]);
  });

  it('loses its middle where it is an id', () => {
    expect(shortened('0123456789', 7, plain)).toBe('012…789');
    expect(shortened('0123456789', 9, makeStyle({ colour: false, unicode: false }))).toBe('012...789');
    expect(shortened('0123456789', 10, plain)).toBe('0123456789');
  });

  it('stays a command that a shell understands', () => {
    const lines = command('  run ', ['printf', '%s,', 'one', 'two', 'three', 'four', 'five'], 26);
    expect(widestOf(lines)).toBeLessThanOrEqual(26);
    expect(lines.length).toBeGreaterThan(1);
    const script = lines.join('\n').replace('  run ', '');
    expect(execFileSync('sh', ['-c', script], { encoding: 'utf8' })).toBe('one,two,three,four,five,');
  });

  it('in a table stands below its row', () => {
    const rows = [
      ['A', 'B', 'C'],
      ['one', 'two', 'three'],
    ];
    expect(foldedTable(rows, 8)).toEqual([
      ['A    B', '    C'],
      ['one  two', '    three'],
    ]);
    expect(foldedTable(rows, whole)).toEqual([['A    B    C'], ['one  two  three']]);
  });
});
