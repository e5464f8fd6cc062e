import { writeFileSync } from 'node:fs';
import { truncate } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { bundledSchema, schemaNames } from '../../src/plan/bundled-schema.ts';
import { openHub } from '../../src/hub/open-hub.ts';
import { startNode } from '../../src/node/start-node.ts';
import { describeErrors, validatorOf } from '../../src/schemas/validator.ts';
import { temporaryFolder, type TemporaryFolder } from '../host/temporary-folder.ts';
import { runCli, type CliResult } from './run-cli.ts';

let folder: TemporaryFolder;
const home = process.cwd();

const cli = (...argv: string[]): Promise<CliResult> => runCli(argv, { openHub, embeddedNode: startNode });

/** Every line of standard output, checked against the schema. */
function checked({ stdout }: CliResult, schema: string): Record<string, unknown>[] {
  const validate = validatorOf(`output/${schema}.json`);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => {
      const value = JSON.parse(line) as Record<string, unknown>;
      expect(validate(structuredClone(value)), `${line}: ${describeErrors(validate.errors)}`).toBe(true);
      return value;
    });
}

beforeAll(async () => {
  folder = await temporaryFolder();
  process.chdir(folder.path);
  writeFileSync(
    'sendense.yaml',
    'version: 1\nrepositories:\n  primary: { path: ./repository }\nports: { from: 22100, to: 22200 }\n',
  );
  writeFileSync('disk.raw', Buffer.alloc(1024 * 1024, 7));
  writeFileSync(
    'plan.yaml',
    'kind: backup\nname: small\nvm:\n  name: vm1\n  source: { type: image, disks: [{ path: disk.raw }] }\nrepository: primary\n',
  );
  writeFileSync(
    'missing.yaml',
    'kind: backup\nname: small\nvm:\n  name: vm2\n  source: { type: image, disks: [{ path: nothing.raw }] }\nrepository: primary\n',
  );
  writeFileSync('bad.yaml', 'kind: backup\nname: small\n');
});

afterAll(async () => {
  process.chdir(home);
  await folder[Symbol.asyncDispose]();
});

describe('what --json prints is what its schema says', () => {
  it('run', async () => {
    const result = await cli('--json', 'plan.yaml');
    const events = checked(result, 'run-event');
    expect(result.exitCode).toBe(0);
    expect(events[0]).toMatchObject({ type: 'run.started' });
    expect(events.at(-1)).toMatchObject({
      type: 'run.finished',
      status: 'succeeded',
      disks: [{ disk: 'disk-0', mode: 'full' }],
    });
  });

  it('run that fails', async () => {
    const result = await cli('missing.yaml', '--json');
    const events = checked(result, 'run-event');
    expect(result.exitCode).toBe(1);
    expect(events.at(-1)).toMatchObject({
      type: 'run.finished',
      status: 'failed',
      error: { position: { line: expect.any(Number) as number } },
    });
  });

  it('run of an invalid plan', async () => {
    const result = await cli('--json', 'bad.yaml');
    expect(result.exitCode).toBe(10);
    expect(checked(result, 'run-event')).toEqual([expect.objectContaining({ type: 'run.finished', exit_code: 10 })]);
    expect(result.stderr).toContain('bad.yaml:1:1');
  });

  it('plan', async () => {
    const [plan] = checked(await cli('plan', '--json', 'plan.yaml'), 'plan');
    expect(plan).toMatchObject({ plan: 'small', vm: 'vm1', disks: [{ disk: 'disk-0', mode: 'incremental' }] });
  });

  it('restore', async () => {
    const result = await cli('restore', 'vm1', '--to', 'restored', '--json');
    expect(checked(result, 'run-event').at(-1)).toMatchObject({
      status: 'succeeded',
      kind: 'restore',
      disks: [{ path: folder.file('restored/disk-0.raw') }],
    });
  });

  it('list and show', async () => {
    const [list] = checked(await cli('list', '--json'), 'list');
    expect(list).toMatchObject({ points: [{ vm: 'vm1', kind: 'full' }] });
    checked(await cli('show', 'vm1', '--json'), 'show');
  });

  it('validate', async () => {
    const result = await cli('validate', '--json', 'plan.yaml', 'bad.yaml');
    expect(checked(result, 'validate')[0]).toMatchObject({ valid: false });
    expect(result.exitCode).toBe(10);
  });

  it('status, recover and repo import', async () => {
    expect(checked(await cli('--json', 'status'), 'status')[0]).toMatchObject({
      runs: expect.arrayContaining([expect.objectContaining({ vm: 'vm1' })]) as unknown[],
    });
    checked(await cli('--json', 'recover'), 'recover');
    expect(checked(await cli('--json', 'repo', 'import', 'primary'), 'import')[0]).toMatchObject({
      present: 1,
      imported: [],
    });
  });

  it('boot list', async () => {
    expect(checked(await cli('boot', 'list', '--json'), 'boots')).toEqual([{ version: 1, boots: [] }]);
  });

  it('check, also of a damaged file', async () => {
    expect(checked(await cli('check', '--json'), 'check')[0]).toMatchObject({ ok: true, points_checked: 1 });
    const [show] = checked(await cli('show', '--json'), 'show');
    const [point] = (show as { points: { disks: { path: string }[] }[] }).points;
    await truncate(point?.disks[0]?.path ?? '', 70_000);
    const damaged = await cli('check', '--json');
    expect(damaged.exitCode).toBe(1);
    expect(checked(damaged, 'check')[0]).toMatchObject({ ok: false });
    expect((await cli('check')).stdout).toContain('remedy');
  });

  it('errors', async () => {
    const unknown = await cli('show', 'nothing', '--json');
    expect(checked(unknown, 'error')[0]).toMatchObject({ code: 'point.unknown' });
    const settings = await cli('list', '--json', '--config', 'nowhere.yaml');
    expect(checked(settings, 'error')[0]).toMatchObject({ code: expect.stringMatching(/^settings\./) as string });
    expect(settings.exitCode).toBe(10);
  });
});

describe('schemas as `sendense-run schema` prints them', () => {
  it.each(schemaNames())('%s stands by itself', async (name) => {
    const { stdout, exitCode } = await cli('schema', name);
    expect(exitCode).toBe(0);
    const ajv = new Ajv2020({ strict: false, discriminator: true });
    (addFormats as unknown as (target: Ajv2020) => void)(ajv);
    expect(JSON.parse(stdout)).toEqual(bundledSchema(name));
    expect(() => ajv.compile(JSON.parse(stdout) as object)).not.toThrow();
  });
});
