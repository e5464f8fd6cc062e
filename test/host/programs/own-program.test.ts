import { expect, test } from 'vitest';
import { startOwnProgram } from '../../../src/host/programs/own-program.ts';
import { runTool } from '../../../src/host/programs/process.ts';
import { readSecret } from '../../../src/host/system/secret.ts';

test('a secret of the environment that was read is hidden from tools, and still there for a program of ours', async () => {
  process.env['SENDENSE_TEST_SECRET'] = 'CANARY-env-55a0';
  expect(await readSecret({ secret: { env: 'SENDENSE_TEST_SECRET' } }, '/')).toBe('CANARY-env-55a0');
  const show = 'process.stdout.write(process.env.SENDENSE_TEST_SECRET ?? "none")';
  expect((await runTool(process.execPath, ['-e', show])).stdout).toBe('none');
  const own = await startOwnProgram([process.execPath, '-e', show], { cwd: '/' }).ended;
  expect(own.lastLine).toBe('CANARY-env-55a0');
});

test('the first line is said as soon as it comes, and the last at the end', async () => {
  const start = (script: string): ReturnType<typeof startOwnProgram> =>
    startOwnProgram([process.execPath, '-e', script], { cwd: '/' });
  const script =
    'process.on("SIGTERM", () => { console.log("two"); process.exit(0); }); setInterval(() => {}, 1e6); console.log("one");';
  const own = start(script);
  expect(await own.firstLine).toBe('one');
  own.terminate();
  expect(await own.ended).toMatchObject({ exitCode: 0, lastLine: 'two' });
  expect(await start('').firstLine).toBe('');
});
