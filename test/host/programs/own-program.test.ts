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
