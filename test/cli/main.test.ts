import { writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { commands, globalOptions } from '../../src/cli/commands/index.ts';
import { exitCodes, worstOf } from '../../src/cli/exit-codes.ts';
import { catalogue } from '../../src/errors/catalogue.ts';
import { SendenseError } from '../../src/errors/sendense-error.ts';
import { invalidPlan } from '../../src/hub/runs/load-pipeline.ts';
import type { RunEvent, RunFinishedEvent } from '../../src/schemas/types.ts';
import { temporaryFolder, type TemporaryFolder } from '../host/temporary-folder.ts';
import { failedRun, succeededRun } from '../view/recorded-runs.ts';
import { fakeHub, point, type FakeHub } from './fake-hub.ts';
import { runCli, type CliOptions } from './run-cli.ts';

let folder: TemporaryFolder;
const home = process.cwd();

beforeEach(async () => {
  folder = await temporaryFolder();
  process.chdir(folder.path);
  writeFileSync('nightly.yaml', 'kind: backup\n');
  writeFileSync('weekly.yaml', 'kind: backup\n');
});

afterEach(async () => {
  process.chdir(home);
  await folder[Symbol.asyncDispose]();
});

const withHub = (fake: FakeHub, options: CliOptions = {}): CliOptions => ({
  ...options,
  openHub: async () => fake.hub,
});
const lines = (text: string): unknown[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

describe('the command line', () => {
  it('runs a plan with and without the word run', async () => {
    for (const argv of [['nightly.yaml'], ['run', 'nightly.yaml']]) {
      const fake = fakeHub({ events: succeededRun() });
      const result = await runCli(argv, withHub(fake));
      expect(result.exitCode).toBe(0);
      expect(fake.requests.map(({ file }) => file)).toEqual([folder.file('nightly.yaml')]);
      expect(result.stdout).toContain('Backup of pgtest1 done');
      expect(fake.closed).toBe(1);
    }
  });

  it.each([
    [['--json', 'nightly.yaml']],
    [['nightly.yaml', '--json']],
    [['run', '--json', 'nightly.yaml']],
    [['--json', 'run', 'nightly.yaml']],
    [['--config', 'x.yaml', '--mode', 'full', 'nightly.yaml', '--json']],
  ])('takes global options before and after the command: %j', async (argv) => {
    const { stdout, exitCode } = await runCli(argv, withHub(fakeHub({ events: succeededRun() })));
    expect(exitCode).toBe(0);
    expect(lines(stdout)).toEqual(succeededRun());
  });

  it('hands the mode and the settings file on', async () => {
    const fake = fakeHub({ events: succeededRun() });
    const configs: unknown[] = [];
    await runCli(['--mode', 'full', 'nightly.yaml', '--config', 'other.yaml'], {
      openHub: async ({ config, startFolder }) => {
        configs.push({ config, startFolder });
        return fake.hub;
      },
    });
    expect(fake.requests[0]?.mode).toBe('full');
    expect(configs).toEqual([{ config: 'other.yaml', startFolder: folder.path }]);
  });

  it.each([
    [['--nope', 'nightly.yaml']],
    [['list', '--nope']],
    [['run']],
    [['run', '--mode', 'sideways', 'nightly.yaml']],
    [['repo', 'import']],
    [['restore', 'pgtest1']],
    [['completion', 'tcsh']],
    [[]],
  ])('ends with 2 for wrong usage: %j', async (argv) => {
    const { exitCode, stderr, stdout } = await runCli(argv, withHub(fakeHub()));
    expect(exitCode).toBe(2);
    expect(stderr).not.toBe('');
    expect(stdout).toBe('');
  });

  it.each([
    ['list --nope', '(see sendense-run list --help)'],
    ['schedule next --nope', '(see sendense-run schedule next --help)'],
    ['schedule next --count 0', 'See `sendense-run schedule next --help`.'],
  ])('names the help that helps: %s', async (line, help) => {
    const { exitCode, stderr } = await runCli(line.split(' '), withHub(fakeHub()));
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(help)]);
  });

  it.each([
    ['nonsense', /no such command or plan file: nonsense\n/],
    ['lst', /no such command or plan file: lst; did you mean list\?/],
    ['nightl.yaml', /no such plan file: nightl\.yaml; did you mean nightly\.yaml\?/],
    ['missing.yaml', /no such plan file: missing\.yaml\n/],
    ['.', /is a folder, not a plan file; did you mean nightly\.yaml, weekly\.yaml\?/],
  ])('explains what %s is not', async (word, text) => {
    const { exitCode, stderr } = await runCli([word]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(text);
  });

  it('says of a VM that there is none of that name, as show does', async () => {
    for (const argv of [
      ['list', 'nobody'],
      ['list', 'nobody', '--json'],
      ['show', 'nobody'],
    ]) {
      const { exitCode, stdout, stderr } = await runCli(argv, withHub(fakeHub()));
      expect(exitCode, argv.join(' ')).toBe(1);
      expect(stdout + stderr).toContain('has the name nobody');
    }
  });

  it('prints version and help on standard output', async () => {
    expect(await runCli(['--version'])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
    for (const argv of [['--help'], ['help'], ['help', 'restore'], ['restore', '-h'], ['repo', 'import', '--help']]) {
      const { exitCode, stdout, stderr } = await runCli(argv);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout).toContain('Examples:');
    }
  });

  it.each([
    ['help nope', 'there is no command nope', '`sendense-run --help`'],
    ['help restor', 'did you mean restore?', '`sendense-run --help`'],
    ['help repo gcc', 'there is no command repo gcc; did you mean repo gc?', '`sendense-run repo --help`'],
    ['help --no-color nope', 'there is no command nope', '`sendense-run --help`'],
  ])('says of %s that there is no such command', async (line, message, remedy) => {
    const { exitCode, stdout, stderr } = await runCli(line.split(' '));
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr.replace(/\s+/g, ' ')).toContain(message);
    expect(stderr.replace(/\s+/g, ' ')).toContain(remedy);
  });

  it('prints help in ASCII where the locale is not UTF-8', async () => {
    const { stdout } = await runCli(['help', 'restore'], { env: { LANG: 'C' } });
    // oxlint-disable-next-line no-control-regex -- ASCII is what it is about
    expect(stdout).toMatch(/^[\u0000-\u007f]*$/);
  });
});

describe('the list of commands', () => {
  const paths = new Map(
    commands.flatMap((command) => [
      [command.name, command] as const,
      ...(command.commands ?? []).map((child) => [`${command.name} ${child.name}`, child] as const),
    ]),
  );
  const all = [...paths.values()];
  const shown = [...paths].filter(([, command]) => command.hidden !== true);

  it.each(shown)('%s teaches: description, examples, known exit codes, links that lead somewhere', (_name, command) => {
    expect(command.description.length).toBeGreaterThan(0);
    expect(command.examples.length).toBeGreaterThanOrEqual(2);
    expect(command.exitCodes.filter((code) => exitCodes[code] === undefined)).toEqual([]);
    expect(command.seeAlso.filter((name) => !paths.has(name))).toEqual([]);
    for (const { command: text } of command.examples) expect(text).toContain('sendense-run');
  });

  it('has no option twice', () => {
    for (const command of all) {
      const flags = [...globalOptions, ...command.options].flatMap((option) =>
        option.flags.split(/[ ,]+/).filter((word) => word.startsWith('-')),
      );
      expect(flags.filter((flag, index) => flags.indexOf(flag) !== index)).toEqual([]);
    }
  });

  it('has a meaning for every exit code of the catalogue', () => {
    expect(Object.values(catalogue).filter(({ exit }) => exitCodes[exit] === undefined)).toEqual([]);
  });
});

describe('runs', () => {
  const finish = (events: readonly RunEvent[]): RunFinishedEvent => events.at(-1) as RunFinishedEvent;

  it('ends with the exit code of the run and tells the failure on standard error', async () => {
    const { exitCode, stdout, stderr } = await runCli(
      ['nightly.yaml'],
      withHub(fakeHub({ events: failedRun({ unclean: true }) })),
    );
    expect(exitCode).toBe(16);
    expect(stdout).toBe('');
    expect(stderr).toContain('NOT CLEANED UP');
  });

  it('runs several plans one after another and ends with the worst exit code', async () => {
    const fakes = [fakeHub({ events: failedRun() }), fakeHub({ events: succeededRun() })];
    const { exitCode, stdout } = await runCli(['--json', 'nightly.yaml', 'weekly.yaml'], {
      openHub: async () => fakes.shift()?.hub ?? fakeHub().hub,
    });
    expect(exitCode).toBe(1);
    expect(lines(stdout).filter((line) => (line as RunEvent).type === 'run.finished')).toHaveLength(2);
    expect(worstOf([0, 3])).toBe(3);
    expect(worstOf([3, 1, 0])).toBe(1);
    expect(worstOf([1, 16, 75])).toBe(16);
    expect(worstOf([])).toBe(0);
  });

  it('ends with run.finished under --json also when the run cannot begin', async () => {
    const fails = new SendenseError('run.locked', 'VM pgtest1 is locked by run 1');
    const { exitCode, stdout, stderr } = await runCli(['--json', 'nightly.yaml'], withHub(fakeHub({ fails })));
    expect(exitCode).toBe(11);
    expect(lines(stdout)).toEqual([
      expect.objectContaining({
        type: 'run.finished',
        status: 'failed',
        exit_code: 11,
        error: expect.objectContaining({ code: 'run.locked' }),
      }),
    ]);
    expect(stderr).toContain('VM pgtest1 is locked by run 1');
  });

  it('prints one line, or errors, when quiet', async () => {
    const good = await runCli(['-q', 'nightly.yaml'], withHub(fakeHub({ events: succeededRun() })));
    expect(good).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: expect.stringMatching(/^pgtest1-nightly: succeeded, .*\n$/),
    });
    const bad = await runCli(['-q', 'nightly.yaml'], withHub(fakeHub({ events: failedRun() })));
    expect(bad.stderr).toContain('job.failed');
    expect(bad.stdout).toBe('');
  });

  it('draws bars on a terminal', async () => {
    const { stderr } = await runCli(['nightly.yaml'], withHub(fakeHub({ events: succeededRun() }), { isTTY: true }));
    expect(stderr).toContain('\u001b[');
    expect(finish(succeededRun()).exit_code).toBe(0);
  });

  it('prints an unexpected exception as one line of code run.internal, with its stack only when debugging', async () => {
    const options: CliOptions = { openHub: () => Promise.reject(new TypeError('x is not a function\nat nowhere')) };
    const { exitCode, stderr } = await runCli(['list'], options);
    expect({ exitCode, stderr }).toEqual({ exitCode: 70, stderr: ' run.internal  x is not a function\n' });
    vi.stubEnv('SENDENSE_DEBUG', '1');
    const debugged = await runCli(['list'], options);
    expect(debugged.stderr).toContain('main.test.ts');
  });
});

describe('restore', () => {
  const known = () => fakeHub({ events: succeededRun(), points: [point('a', null, 1)] });
  const restore = async (argv: readonly string[], fake = known()) => {
    const result = await runCli(['restore', ...argv], withHub(fake));
    const text = fake.requests[0]?.text;
    return {
      ...result,
      plan: text === undefined ? undefined : (parse(text) as Record<string, unknown>),
      request: fake.requests[0],
    };
  };

  it('makes a plan of the command line', async () => {
    const { exitCode, plan, request } = await restore([
      'pgtest1',
      '--to',
      'out',
      '--format',
      'vmdk',
      '--subformat',
      'streamOptimized',
      '-d',
      '1',
      '--disk',
      'disk-0',
      '--no-verify',
    ]);
    expect(exitCode).toBe(0);
    expect(plan).toEqual({
      version: 1,
      kind: 'restore',
      name: 'restore-pgtest1',
      vm: { name: 'pgtest1' },
      repository: 'primary',
      point: 'latest',
      to: { directory: folder.file('out'), format: 'vmdk', subformat: 'streamOptimized' },
      disks: [1, 0],
      verify: false,
    });
    expect(request?.file).toBe(folder.file('restore-pgtest1.yaml'));
  });

  it.each([
    [['--point', 'before', '2026-11-20T01:00Z'], '2026-11-20T01:00:00.000Z'],
    [['--point', 'before 2026-11-20T01:00+01:00'], '2026-11-20T00:00:00.000Z'],
    [['-p', 'before', '2026-11-20 01:00Z'], '2026-11-20T01:00:00.000Z'],
    [['-p', 'before', '2026-11-20'], new Date('2026-11-20T00:00').toISOString()],
  ])('takes a time: %j', async (argv, before) => {
    const found = (await restore([...argv, 'pgtest1', '--to', 'out'])).plan?.['point'] as { before: string };
    expect(Object.keys(found)).toEqual(['before']);
    expect(new Date(found.before).toISOString()).toBe(before);
  });

  it.each([
    [['--point', '2026-11-22T18:00+01:00'], { at: '2026-11-22T18:00:00+01:00' }],
    [['--point', '2026-11-22', '18:00Z'], { at: '2026-11-22T18:00:00Z' }],
    [['--point=2026-11-22', '18:00Z'], { at: '2026-11-22T18:00:00Z' }],
    [['-p', 'before', '2026-11-22', '18:00Z'], { before: '2026-11-22T18:00:00Z' }],
    [['-p', '2026-11-22Z'], { from: '2026-11-22T00:00:00Z', before: '2026-11-23T00:00:00Z' }],
  ])('takes days and times: %j', async (argv, wanted) => {
    expect((await restore([...argv, 'pgtest1', '--to', 'out'])).plan?.['point']).toEqual(wanted);
  });

  it('says what a mistyped VM was meant to be, and begins no run', async () => {
    const { exitCode, stderr, plan } = await restore(['pgtset1', '--to', 'x']);
    expect({ exitCode, plan }).toEqual({ exitCode: 1, plan: undefined });
    expect(stderr).toContain('no VM with restore points has the name pgtset1; did you mean pgtest1?');
  });

  it('says in words of its options what is wrong with the plan that it made', async () => {
    const invalid = invalidPlan(
      [
        {
          rule: 'schema/pattern',
          severity: 'error',
          file: '/srv/restore-pgtest1.yaml',
          line: 7,
          column: 1,
          end_line: 7,
          end_column: 2,
          path: '/disks/0',
          message: 'disks holds 1 twice',
          allowed: [],
          suggestion: null,
          remedy: 'Correct it.',
        },
      ],
      'disks: [1, 1]',
    );
    const fake = fakeHub({ points: [point('a', null, 1)], fails: invalid });
    const { exitCode, stderr } = await restore(['pgtest1', '--to', 'x', '--json'], fake);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--disk: disks holds 1 twice');
    expect(stderr).not.toContain('yaml');
  });

  it.each([
    [['pgtest1', '--to', 'x', '--thin'], '--thin is for --format qcow2'],
    [['pgtest1', '--to', ''], 'say where to restore to: --to DIRECTORY'],
    [['pgtest1', '--to', 'x', '--subformat', 'streamOptimized'], '--subformat is for --format vmdk'],
    [['pgtest1', '--to', 'x', '-d', 'one'], 'not a disk number'],
    [['pgtest1', '--to', 'x', '--point', 'before', 'noon'], 'noon is not a day or a time'],
    [['pgtest1'], '--to DIRECTORY'],
  ])('refuses what cannot be: %j', async (argv, text) => {
    const { exitCode, stderr, plan } = await restore(argv);
    expect({ exitCode, plan }).toEqual({ exitCode: 2, plan: undefined });
    expect(stderr).toContain(text);
  });

  it('takes the only repository that has the VM, and asks where there are several', async () => {
    const one = fakeHub({ events: succeededRun(), repositories: ['primary', 'second'], points: [point('a', null, 1)] });
    expect((await restore(['pgtest1', '--to', 'x'], one)).plan?.['repository']).toBe('primary');
    const none = fakeHub({ repositories: ['primary', 'second'] });
    const { exitCode, stderr } = await restore(['pgtest1', '--to', 'x'], none);
    expect(exitCode).toBe(1);
    expect(stderr.replaceAll(/\s+/g, ' ')).toMatch(
      /no VM with restore points has the name pgtest1.*repo import NAME.*--repository PATH/,
    );
  });

  it('previews with --dry-run', async () => {
    const { stdout, exitCode } = await restore(['pgtest1', '--to', 'x', '--dry-run']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('nothing is written');
  });
});

describe('show without a name', () => {
  it('names a few of many VMs, and says how to see all', async () => {
    const many = Array.from({ length: 300 }, (_, at) => point(`a${at}`, null, at + 1, `vm${at}`));
    const { exitCode, stderr } = await runCli(['show'], withHub(fakeHub({ points: many })));
    expect(exitCode).toBe(2);
    expect(stderr).toContain('say which VM: vm0, vm1, vm2, vm3, vm4, vm5, vm6, vm7, and 292 more');
    expect(stderr).toContain('`sendense-run list` shows all');
    expect(stderr.length).toBeLessThan(500);
  });
});

describe('looking', () => {
  const points = [
    point('a', null, Date.UTC(2026, 10, 20)),
    point('b', 'a', Date.UTC(2026, 10, 21)),
    point('c', 'b', Date.UTC(2026, 10, 22)),
    point('d', 'b', Date.UTC(2026, 10, 23)),
  ];

  it('lists restore points as a table', async () => {
    const { stdout } = await runCli(['list'], withHub(fakeHub({ points })));
    expect(stdout).toMatch(/^VM +RESTORE POINT +KIND/);
    expect(stdout).toMatch(/pgtest1 +b +incremental/);
    expect(stdout).toContain('4 restore points of 1 VM, 4 MiB');
  });

  it('shows chains as a tree that branches where a point has two children', async () => {
    const { stdout } = await runCli(['show'], withHub(fakeHub({ points }), { columns: 200 }));
    const heads = stdout
      .split('\n')
      .filter((line) => /[◆◇]/.test(line))
      .map((line) => line.replace(/ {2}(full|incremental).*/, ''));
    expect(heads).toEqual(['◆  a', '◇  b', '├─ ◇  c', '◇  d']);
    expect(stdout).toContain('change id change-c');
    expect(stdout).toContain('sendense-run restore pgtest1 --point d --to DIRECTORY');
  });

  it('marks the restore point that was asked for', async () => {
    const { stdout } = await runCli(['show', 'c'], withHub(fakeHub({ points })));
    expect(stdout).toMatch(/c .*this one/);
  });

  it('says what may have been meant by a name that nothing has', async () => {
    const { exitCode, stderr } = await runCli(['show', 'pgtest'], withHub(fakeHub({ points })));
    expect(exitCode).toBe(1);
    expect(stderr).toContain('did you mean pgtest1?');
  });

  it('checks deeply unless told to be quick', async () => {
    const fake = fakeHub({ points });
    expect((await runCli(['check', 'pgtest1'], withHub(fake))).exitCode).toBe(0);
    await runCli(['check', 'b', '--quick'], withHub(fake));
    expect(fake.checked).toEqual([
      expect.objectContaining({ vm: 'pgtest1', deep: true }),
      expect.objectContaining({ point: 'b', deep: false }),
    ]);
  });

  it('ends with 1 for faults and 3 for warnings', async () => {
    for (const [severity, wanted] of [
      ['error', 1],
      ['warning', 3],
    ] as const) {
      const fake = fakeHub({ points });
      const finding = {
        severity,
        code: 'file.changed' as const,
        backup_id: 'a',
        path: '/srv/x.qcow2',
        message: 'x.qcow2 is not as recorded',
        remedy: 'Restore it.',
      };
      const check = async () => ({
        version: 1 as const,
        ok: severity !== 'error',
        repository: 'primary',
        points_checked: 1,
        bytes_read: 0,
        findings: [finding],
      });
      const { exitCode, stdout } = await runCli(['check'], { openHub: async () => ({ ...fake.hub, check }) });
      expect(exitCode).toBe(wanted);
      expect(stdout).toContain('file.changed: x.qcow2 is not as recorded');
    }
  });
});

describe('explain and schema', () => {
  it.each([
    ['chain.no-parent', 'onNoParent'],
    ['16', 'could not clean up everything'],
    ['yaml/empty', 'The file is empty'],
    ['node.transfer', 'runners/backup.yaml'],
  ])('explains %s', async (topic, text) => {
    const { exitCode, stdout } = await runCli(['explain', topic]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(text);
  });

  it('lists everything that can be explained', async () => {
    const { stdout } = await runCli(['explain']);
    for (const code of Object.keys(catalogue)) expect(stdout).toContain(code);
  });

  it('says what may have been meant', async () => {
    expect((await runCli(['explain', 'chain.no-parnt'])).stderr).toContain('did you mean chain.no-parent?');
    expect((await runCli(['schema', 'pln'])).stderr).toContain('did you mean plan?');
  });
});

describe('validate', () => {
  it('reads standard input, prints as asked, and ends with 10 for errors', async () => {
    await mkdir('plans');
    const { exitCode, stdout } = await runCli(['validate', '-', '--format', 'github'], {
      stdin: 'kind: backup\nname: x\n',
    });
    expect(exitCode).toBe(10);
    expect(stdout).toMatch(/^::error file=/);
    const json = await runCli(['validate', '--json', '-'], { stdin: 'kind: backup\nname: x\n' });
    expect(lines(json.stdout)).toHaveLength(1);
  });
});
