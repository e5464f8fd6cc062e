import { chmod, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { SendenseError } from '../../../src/errors/sendense-error.ts';
import { isRunning, identityOf } from '../../../src/host/programs/process-identity.ts';
import { runTool, tail } from '../../../src/host/programs/process.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const shell = (script: string, options: Parameters<typeof runTool>[2] = {}) => runTool('sh', ['-c', script], options);
const failureOf = async (work: Promise<unknown>): Promise<SendenseError> => {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SendenseError);
  return error as SendenseError;
};

describe('runTool', () => {
  test('answers both outputs without the last newline, in the C locale', async () => {
    expect(await shell('printf "a\\nb\\n\\n"; echo c >&2; exit 0')).toEqual({
      stdout: 'a\nb\n',
      stderr: 'c',
      exitCode: 0,
    });
    expect((await shell('echo "$LC_ALL $X"', { env: { X: 'own' } })).stdout).toBe('C own');
    expect((await shell('cat', { input: 'given' })).stdout).toBe('given');
  });

  test('arguments arrive as they are, never through a shell', async () => {
    const odd = ['a b', '$(id)', '`id`', '"', "'", '*', '\n', '', '-n', '; exit 3'];
    const { stdout } = await runTool('printf', ['%s|', ...odd]);
    expect(stdout).toBe(`${odd.join('|')}|`);
  });

  test('a missing program names itself and, where we know it, its package', async () => {
    expect(await failureOf(runTool('no-such-tool', []))).toMatchObject({
      code: 'tool.missing',
      message: 'no-such-tool was not found',
    });
    const unknown = await failureOf(runTool('qemu-nbd', [], { env: { PATH: '/nonexistent' } }));
    expect(unknown).toMatchObject({
      code: 'tool.missing',
      message: expect.stringContaining('qemu-utils') as string,
      remedy: 'apt-get install qemu-utils',
    });
  });

  test('a missing working directory is not taken for a missing program', async () => {
    expect(await failureOf(runTool('true', [], { cwd: '/nonexistent/folder' }))).toMatchObject({
      code: 'tool.failed',
      message: expect.stringContaining('/nonexistent/folder') as string,
    });
  });

  test('a failing program shows its first word, exit code and what it said, but no further arguments', async () => {
    const error = await failureOf(shell('echo going wrong >&2; exit 4 # s3cret'));
    expect(error).toMatchObject({ code: 'tool.failed', message: 'sh ended with 4: going wrong' });
    const spoken = await failureOf(runTool('sh', ['-e', '-c', 'exit 5', 's3cret']));
    expect(spoken.message).toBe('sh ended with 5');
  });

  test('where it printed only to standard output, that is shown', async () => {
    expect((await failureOf(shell('echo out; exit 1'))).message).toContain('out');
  });

  test('a full disk is told apart', async () => {
    expect(await failureOf(shell('echo "write failed: No space left on device" >&2; exit 1'))).toMatchObject({
      code: 'disk.full',
    });
  });

  test('an exit code can be an answer, a signal cannot', async () => {
    expect(await shell('echo x; exit 7', { allowFailure: true })).toEqual({ stdout: 'x', stderr: '', exitCode: 7 });
    expect((await failureOf(shell('kill -9 $$', { allowFailure: true }))).message).toContain('was killed by SIGKILL');
  });

  test('a file that cannot be executed is an error that says so', async () => {
    await using folder = await temporaryFolder();
    await writeFile(folder.file('tool'), '#!/bin/sh\n');
    expect((await failureOf(runTool(folder.file('tool'), []))).message).toContain('EACCES');
    await chmod(folder.file('tool'), 0o755);
    expect((await runTool(folder.file('tool'), [])).exitCode).toBe(0);
  });

  test('more output than is kept is an error, unless it is read as it comes or by line', async () => {
    const big = 'head -c 20000000 /dev/zero | tr "\\0" x | fold -w 1000; echo end';
    expect((await failureOf(shell(big))).message).toContain('printed more than');
    let length = 0;
    const { stdout } = await shell(big, { onStdoutText: (text) => void (length += text.length) });
    expect([stdout, length]).toEqual(['', 20_000_000 + 19_999 + 'end\n'.length]);
    let lines = 0;
    let longest = 0;
    await shell(big, { onStdoutLine: (line) => ((lines += 1), (longest = Math.max(longest, line.length))) });
    expect(longest).toBe(1000 + 3);
    expect(lines).toBe(20_000);
  });

  test('lines of standard output and of descriptor 3 come one by one', async () => {
    const out: string[] = [];
    const pipe: string[] = [];
    await shell('echo a; echo 1 >&3; echo b; echo 2 >&3', {
      onStdoutLine: (line) => out.push(line),
      onPipeLine: (line) => pipe.push(line),
    });
    expect(out).toEqual(['a', 'b']);
    expect(pipe).toEqual(['1', '2']);
  });

  test('what a listener throws is thrown, and the program still ends', async () => {
    const broken = shell('echo a; echo b', {
      onStdoutLine: () => {
        throw new Error('of the listener');
      },
    });
    await expect(broken).rejects.toThrow('of the listener');
  });

  test('a program that takes too long is stopped', async () => {
    expect(await failureOf(shell('exec sleep 60', { timeoutMs: 100 }))).toMatchObject({
      code: 'tool.failed',
      message: 'sh took longer than 100 ms',
    });
  });

  test('an abort stops the program and rejects with its reason', async () => {
    await using folder = await temporaryFolder();
    const controller = new AbortController();
    const reason = new SendenseError('run.cancelled', 'stopped by the test');
    const running = runTool('sh', ['-c', 'echo $$ >"$0"; echo up; exec sleep 60', folder.file('pid')], {
      signal: controller.signal,
      onStdoutLine: () => controller.abort(reason),
    });
    await expect(running).rejects.toBe(reason);
    const pid = Number(await readFile(folder.file('pid'), 'utf8'));
    expect(identityOf(pid)).toBeNull();
    await expect(runTool('true', [], { signal: controller.signal })).rejects.toBe(reason);
  });

  test('an abort does not wait for what the program left running on its pipes', async () => {
    await using folder = await temporaryFolder();
    const controller = new AbortController();
    const started = performance.now();
    const running = runTool('sh', ['-c', 'sleep 30 & echo $! >"$0"; echo up; wait', folder.file('pid')], {
      signal: controller.signal,
      onStdoutLine: () => controller.abort(new Error('enough')),
    });
    await expect(running).rejects.toThrow('enough');
    expect(performance.now() - started).toBeLessThan(15_000);
    const left = identityOf(Number(await readFile(folder.file('pid'), 'utf8')));
    if (left && isRunning(left)) process.kill(left.pid, 'SIGKILL');
  });

  test('a program that ends and leaves a daemon behind has ended', async () => {
    await using folder = await temporaryFolder();
    const { stdout } = await runTool('sh', ['-c', 'sleep 30 & echo $! >"$0"; echo done', folder.file('pid')]);
    expect(stdout).toBe('done');
    process.kill(Number(await readFile(folder.file('pid'), 'utf8')), 'SIGKILL');
  });

  test('a program that ignores SIGTERM is killed', { timeout: 300_000 }, async () => {
    const running = shell('trap "" TERM; while :; do sleep 0.05; done', { timeoutMs: 200 });
    expect((await failureOf(running)).message).toContain('took longer than 200 ms');
  });
});

test('tail keeps the last 20 lines and 4000 characters', () => {
  expect(tail(Array.from({ length: 30 }, (_, at) => String(at)).join('\n'))).toMatch(/^10\n[^]*\n29$/);
  expect(tail('x'.repeat(9000))).toHaveLength(4000);
});
