import { expect, test } from 'vitest';
import { SendenseError } from '../../../src/errors/sendense-error.ts';
import { inPlan } from '../../../src/steps/files/opened-point.ts';

const taken = (): Promise<never> =>
  Promise.reject(
    new SendenseError('file.exists', '/restored/etc exists already', { remedy: 'It is a folder: move it away first.' }),
  );

test('a name that is taken is told in words of a plan', async () => {
  await expect(inPlan(taken)).rejects.toMatchObject({ remedy: expect.stringContaining('`overwrite: true`') as string });
});

test('a plan that overwrites already is not told to do so', async () => {
  await expect(inPlan(taken, { overwrite: true })).rejects.toMatchObject({
    code: 'file.exists',
    remedy: 'It is a folder: move it away first.',
  });
});
