import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHub } from '../../src/hub/open-hub.ts';
import { startNode } from '../../src/node/start-node.ts';
import type { RunFinishedEvent, ShowRunOutput } from '../../src/schemas/types.ts';
import { describeErrors, validatorOf } from '../../src/schemas/validator.ts';
import { temporaryFolder, type TemporaryFolder } from '../host/temporary-folder.ts';
import { runCli, type CliResult } from './run-cli.ts';

let folder: TemporaryFolder;
const home = process.cwd();
const cli = (...argv: string[]): Promise<CliResult> => runCli(argv, { openHub, embeddedNode: startNode });

/** Makes the first cluster of a qcow2 file unreadable: its entry in the L2 table points between two clusters. */
function damage(file: string): void {
  const handle = openSync(file, 'r+');
  const read = (at: number): bigint => {
    const bytes = Buffer.alloc(8);
    readSync(handle, bytes, 0, 8, at);
    return bytes.readBigUInt64BE();
  };
  const offset = 0x00ff_ffff_ffff_fe00n;
  const l2 = Number(read(Number(read(40))) & offset);
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(read(l2) | 0x200n);
  writeSync(handle, bytes, 0, 8, l2);
  closeSync(handle);
}

const plan = (name: string, disk: string): string =>
  `kind: backup\nname: ${name}\nvm:\n  name: ${name}\n  source: { type: image, disks: [{ path: ${disk} }] }\nrepository: primary\n`;

let failed: { result: CliResult; finished: RunFinishedEvent };
let succeeded: RunFinishedEvent;

const finishedOf = ({ stdout }: CliResult): RunFinishedEvent =>
  JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as RunFinishedEvent;

beforeAll(async () => {
  folder = await temporaryFolder();
  process.chdir(folder.path);
  writeFileSync(
    'sendense.yaml',
    'version: 1\nstate: ./state/sendense.db\nrepositories:\n  primary: { path: ./repository }\nports: { from: 22300, to: 22400 }\n',
  );
  writeFileSync('disk.raw', Buffer.alloc(1024 * 1024, 7));
  execFileSync('qemu-img', ['convert', '-O', 'qcow2', 'disk.raw', 'broken.qcow2']);
  damage('broken.qcow2');
  writeFileSync('good.yaml', plan('good', 'disk.raw'));
  writeFileSync('broken.yaml', plan('broken', 'broken.qcow2'));
  const result = await cli('--json', 'broken.yaml');
  failed = { result, finished: finishedOf(result) };
  succeeded = finishedOf(await cli('--json', 'good.yaml'));
});

afterAll(async () => {
  process.chdir(home);
  await folder[Symbol.asyncDispose]();
});

describe('a transfer that failed', () => {
  it('says in its remedy how to read the log of the job', () => {
    const { finished } = failed;
    expect(finished.status).toBe('failed');
    expect(finished.error?.remedy).toContain(`sendense-run show ${finished.run_id} --log`);
    expect(finished.error?.remedy).toContain(folder.file('state/logs', `${finished.run_id}-transfer.jsonl`));
  });

  it('left the log beside the state database, for its owner alone', () => {
    const names = readdirSync(folder.file('state/logs')).filter((name) => name.endsWith('.jsonl'));
    expect(names).toEqual([`${failed.finished.run_id}-transfer.jsonl`]);
    expect(statSync(folder.file('state/logs', names[0] ?? '')).mode & 0o777).toBe(0o600);
    expect(statSync(folder.file('state/logs')).mode & 0o777).toBe(0o700);
  });

  it('is shown step by step, with its error and where the log is', async () => {
    const { stdout, exitCode } = await cli('show', failed.finished.run_id);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`run ${failed.finished.run_id}: failed`);
    expect(stdout).toMatch(/✘ transfer +node\.transfer .* failed/);
    expect(stdout).toContain(failed.finished.error?.message);
    expect(stdout).toMatch(/Log of the job of transfer\n +file +state\/logs\//);
  });

  it('is shown as JSON as its schema says', async () => {
    const { stdout } = await cli('show', '--json', failed.finished.run_id);
    const value = JSON.parse(stdout) as ShowRunOutput;
    const validate = validatorOf('output/show-run.json');
    expect(validate(structuredClone(value)), describeErrors(validate.errors)).toBe(true);
    expect(value.logs).toEqual([
      { step: 'transfer', path: folder.file('state/logs', `${failed.finished.run_id}-transfer.jsonl`) },
    ]);
  });

  it('has a log for people, and as JSON lines', async () => {
    const text = (await cli('show', '--log', failed.finished.run_id)).stdout;
    expect(text).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d info {2}job started/);
    expect(text).toMatch(/ error .*\{"code":/);
    const lines = (await cli('show', '--log', '--json', failed.finished.run_id)).stdout.trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toContain('error');
  });
});

describe('a run that made a restore point', () => {
  it('is shown with --run, for its id is also that of the point', async () => {
    expect((await cli('show', succeeded.run_id)).stdout).toContain('◆');
    expect((await cli('show', '--run', succeeded.run_id)).stdout).toContain(`run ${succeeded.run_id}: succeeded`);
  });

  it('has no log', async () => {
    const { exitCode, stderr } = await cli('show', '--log', succeeded.run_id);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('run.no-log');
  });
});

describe('a name that nothing has', () => {
  it.each([
    [['show', 'nothing'], 1, /no VM, no restore point and no run has the name nothing/],
    [['show', '--log', 'good'], 1, /no run has the name good/],
    [['show', '--log'], 2, /name a run/],
  ])('is told: %j', async (argv, code, text) => {
    const { exitCode, stderr } = await cli(...argv);
    expect(stderr).toMatch(text);
    expect(exitCode).toBe(code);
  });
});
