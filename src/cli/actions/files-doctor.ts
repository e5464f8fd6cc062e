import { SendenseError } from '../../errors/sendense-error.ts';
import { checkReading } from '../../files/reader/check-reading.ts';
import { chosenReader } from '../../hub/files/keeper-socket.ts';
import { filesDoctorReport } from '../../view/reports/files-doctor-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

const statusOf = { ok: 0, warn: 3, fail: 1 } as const;

/** What this machine can read of restore points. */
export async function action(context: CommandContext): Promise<number> {
  const output = await checkReading(await readerOfSettings(context));
  print(context, output, (options) => filesDoctorReport(output, options));
  return statusOf[output.result];
}

/** Settings are not needed for it. */
async function readerOfSettings(context: CommandContext): Promise<string | undefined> {
  try {
    await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
    return chosenReader(hub.settings);
  } catch (error) {
    if (error instanceof SendenseError && error.code === 'settings.missing') return undefined;
    throw error;
  }
}
