import { chmod, mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createEvaluator } from '../../../src/plan/expressions/create-evaluator.ts';
import type { CommandRunOutput } from '../../../src/schemas/types.ts';
import { commandRun } from '../../../src/steps/command/command-run.ts';
import { maskSecrets } from '../../../src/steps/command/mask-secrets.ts';
import { stepBench, type StepBench } from '../step-bench.ts';

afterEach(() => void vi.unstubAllEnvs());

const odd = [
  'a b',
  '"quoted"',
  "it's",
  '$(id)',
  '`id`',
  '$HOME',
  'line\nbreak',
  'tab\t',
  '*',
  '; rm -rf /',
  '\\',
  'ä€😀',
  '-n',
  ' lead and trail ',
  '',
];

const command = (
  bench: StepBench,
  argv: readonly string[],
  more: object = {},
  options: Parameters<StepBench['run']>[2] = {},
) => bench.run<CommandRunOutput>(commandRun, { argv, ...more }, options);

describe('command.run', () => {
  test('arguments arrive unchanged, each as one', async () => {
    await using bench = await stepBench();
    const { output } = await command(bench, ['printf', '%s\\0', ...odd]);
    expect(output).toEqual({ exit_code: 0, output: `${odd.join('\0')}\0` });
  });

  test.each(odd)('the value %j of an expression arrives unchanged in the environment', async (value) => {
    await using bench = await stepBench();
    const scope = { plan: {}, run: { id: 'r', started: 0 }, steps: { a: { value } }, outcome: 'success' } as const;
    const env = createEvaluator().value({ VALUE: '${{ steps.a.value }}' }, scope) as object;
    const { output } = await command(bench, ['sh', '-c', 'printf "%s|" "$VALUE"'], { env });
    expect(output.output).toBe(`${value}|`);
  });

  test('numbers, booleans, lists and nothing become text', async () => {
    await using bench = await stepBench();
    const { output } = await command(bench, ['sh', '-c', 'echo "$N $B $L [$X]"'], {
      env: { N: 5, B: true, L: ['a', 1], X: null },
    });
    expect(output.output).toBe('5 true ["a",1] []');
  });

  test('the environment of the program itself is there, and its locale is not changed', async () => {
    vi.stubEnv('LC_ALL', 'C.UTF-8');
    vi.stubEnv('SENDENSE_TEST_VALUE', 'inherited');
    await using bench = await stepBench();
    expect((await command(bench, ['sh', '-c', 'echo "$LC_ALL $SENDENSE_TEST_VALUE"'])).output.output).toBe(
      'C.UTF-8 inherited',
    );
    vi.stubEnv('LC_ALL', undefined);
    expect((await command(bench, ['sh', '-c', 'echo "[${LC_ALL-unset}]"'])).output.output).toBe('[unset]');
  });

  test('runs in the folder of the plan, or where cwd says, relative to it', async () => {
    await using bench = await stepBench();
    const plans = await realpath(bench.folder.file('plans'));
    expect((await command(bench, ['pwd'])).output.output).toBe(plans);
    await mkdir(bench.folder.file('plans', 'a b'));
    expect((await command(bench, ['pwd'], { cwd: 'a b' })).output.output).toBe(`${plans}/a b`);
    expect((await command(bench, ['pwd'], { cwd: '/' })).output.output).toBe('/');
    await writeFile(bench.folder.file('plans', 'tool'), '#!/bin/sh\necho of the plan\n');
    await chmod(bench.folder.file('plans', 'tool'), 0o755);
    expect((await command(bench, ['./tool'])).output.output).toBe('of the plan');
    await expect(command(bench, ['pwd'], { cwd: 'none' })).rejects.toMatchObject({
      code: 'command.failed',
      message: expect.stringContaining('none') as string,
    });
  });

  test('a failing command shows its exit code and what it printed', async () => {
    await using bench = await stepBench();
    await expect(command(bench, ['sh', '-c', 'echo to stdout; echo to stderr >&2; exit 3'])).rejects.toMatchObject({
      code: 'command.failed',
      message: 'sh ended with 3: to stderr',
    });
    await expect(command(bench, ['sh', '-c', 'echo to stdout; exit 3'])).rejects.toMatchObject({
      message: 'sh ended with 3: to stdout',
    });
    await expect(command(bench, ['sh', '-c', 'kill -9 $$'])).rejects.toMatchObject({
      code: 'command.failed',
      message: expect.stringContaining('SIGKILL') as string,
    });
    await expect(command(bench, ['no-such-tool'])).rejects.toMatchObject({
      code: 'command.failed',
      message: 'no-such-tool was not found',
    });
  });

  test('keeps the last 64 KiB of its output, however much there is', async () => {
    await using bench = await stepBench();
    const { output } = await command(bench, ['sh', '-c', 'head -c 20000000 /dev/zero | tr "\\0" x; echo end']);
    expect(output.output).toHaveLength(64 * 1024 - 1);
    expect(output.output.endsWith('xxxend')).toBe(true);
  });

  test('an abort stops it, with the reason', async () => {
    await using bench = await stepBench();
    const controller = new AbortController();
    const running = command(bench, ['sh', '-c', 'echo up >ready; exec sleep 60'], {}, { signal: controller.signal });
    await expect.poll(() => readFile(bench.folder.file('plans', 'ready'), 'utf8').catch(() => '')).toBe('up\n');
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
  });

  test('a dry-run shows folder and arguments, the names of the environment and none of its values', async () => {
    await using bench = await stepBench();
    const preview = await bench.plan(commandRun, {
      argv: ['fsfreeze', '-f', '/data'],
      env: { NAME: 'some value', TOKEN: { secret: { env: 'X' } } },
    });
    expect(preview.effects).toEqual([
      {
        action: 'run',
        target: bench.folder.file('plans'),
        detail: 'environment: NAME, TOKEN',
        argv: ['fsfreeze', '-f', '/data'],
      },
    ]);
  });
});

describe('secrets of a command', () => {
  const secret = { secret: { env: 'SENDENSE_TEST_SECRET' } };
  const shorter = { secret: { env: 'SENDENSE_TEST_SHORTER' } };

  test('arrive, and are masked in the output', async () => {
    vi.stubEnv('SENDENSE_TEST_SECRET', 'pa55wörd');
    await using bench = await stepBench();
    const { output } = await command(bench, ['sh', '-c', 'test "$TOKEN" = "pa55wörd" && echo "<$TOKEN> <$TOKEN>"'], {
      env: { TOKEN: secret },
    });
    expect(output.output).toBe('<***> <***>');
  });

  test('are masked in errors, the cause included', async () => {
    vi.stubEnv('SENDENSE_TEST_SECRET', 'pa55wörd');
    await using bench = await stepBench();
    for (const script of [
      'echo "$TOKEN" >&2; exit 1',
      'echo "$TOKEN"; exit 1',
      'echo "$TOKEN" >&2; kill -9 $$',
      'exec "$TOKEN"',
    ]) {
      const error: unknown = await command(bench, ['sh', '-c', script], { env: { TOKEN: secret } }).catch(
        (reason: unknown) => reason,
      );
      expect(error).toMatchObject({ code: 'command.failed' });
      expect(inspect(error, { depth: 10 })).not.toContain('pa55');
    }
  });

  test('one that holds another is masked whole', async () => {
    vi.stubEnv('SENDENSE_TEST_SECRET', 'abcdef');
    vi.stubEnv('SENDENSE_TEST_SHORTER', 'abc');
    await using bench = await stepBench();
    const { output } = await command(bench, ['sh', '-c', 'echo "$B $A"'], { env: { A: shorter, B: secret } });
    expect(output.output).toBe('*** ***');
  });

  test('one that is cut where the output is cut shows no part of itself', async () => {
    vi.stubEnv('SENDENSE_TEST_SECRET', 'S3CRET'.repeat(20));
    await using bench = await stepBench();
    const { output } = await command(
      bench,
      ['sh', '-c', 'i=0; while [ $i -lt 3000 ]; do printf %s "$TOKEN"; i=$((i+1)); done'],
      { env: { TOKEN: secret } },
    );
    expect(output.output).toMatch(/^\**$/);
  });

  test('one that cannot be read is an error before the command runs', async () => {
    await using bench = await stepBench();
    await expect(
      command(bench, ['touch', 'ran'], { env: { TOKEN: { secret: { file: 'none' } } } }),
    ).rejects.toMatchObject({ code: 'secret.unreadable' });
    await expect(readFile(bench.folder.file('plans', 'ran'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('maskSecrets', () => {
  test('shows nothing of a secret, wherever the text is cut', () => {
    const secrets = fc.uniqueArray(fc.string({ unit: fc.constantFrom('a', 'b', '.'), minLength: 2, maxLength: 6 }), {
      maxLength: 3,
    });
    const pieces = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '.', 'x'), maxLength: 8 }), { maxLength: 12 });
    fc.assert(
      fc.property(secrets, pieces, (hidden, text) => {
        const inPieces = maskSecrets(hidden);
        const atOnce = maskSecrets(hidden);
        const shown = text.map((piece) => inPieces.add(piece)).join('') + inPieces.end();
        expect(shown).toBe(atOnce.add(text.join('')) + atOnce.end());
        // What stands between two masks is text as it was, and holds no secret.
        for (const part of shown.split('***')) for (const secret of hidden) expect(part.includes(secret)).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });

  test('an empty secret hides nothing', () => {
    expect(maskSecrets(['']).add('text')).toBe('text');
  });
});
