import { SendenseError } from '../../errors/sendense-error.ts';
import { checkFile } from '../../files/expect/expect-file.ts';
import type { FilesExpectInput, FilesExpectOutput } from '../../schemas/types.ts';
import { defineStep } from '../define-step.ts';
import { expectationOf, expectationText, problemsText } from './expectation.ts';
import { openedPoint } from './opened-point.ts';

export const filesExpect = defineStep<FilesExpectInput, null, FilesExpectOutput>({
  uses: 'files.expect',
  title: 'Compare files with what is expected',
  claim: () => null,

  plan: async (_context, { expect }) => ({
    effects: expect.map((one) => ({ action: 'read', target: one.file, detail: expectationText(one), argv: null })),
    output: { checked: expect.length },
  }),

  async run({ planFolder, signal, log, alive }, { opened, expect }) {
    const point = openedPoint(opened);
    const problems: string[] = [];
    for (const one of expect) {
      const { file, problem } = await checkFile(point, expectationOf(one), {
        folder: planFolder,
        signal,
        onBytes: alive,
      });
      log(problem ?? `${file} is as expected`);
      if (problem !== null) problems.push(problem);
    }
    if (problems.length === 0) return { checked: expect.length };
    throw new SendenseError('files.unexpected', problemsText(problems));
  },
});
