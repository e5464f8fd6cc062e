import { checkReading } from '../../files/reader/requirements.ts';
import { checkLines, doctorSummary } from '../../view/reports/doctor-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

const statusOf = { ok: 0, warn: 3, fail: 1 } as const;

/** What this machine can read of restore points. */
export async function action(context: CommandContext): Promise<number> {
  const output = await checkReading();
  print(context, output, (options) => [
    ...output.checks.flatMap((check) => checkLines(check, options)),
    ...doctorSummary(output, options),
  ]);
  return statusOf[output.result];
}
