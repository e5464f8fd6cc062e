import { exactly } from '../../view/terminal.ts';
import { printable } from '../../view/text.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { CommandContext } from '../command.ts';

export async function action(context: CommandContext): Promise<number> {
  const { stdout, stderr } = context.terminal;
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  if (context.options['write'] !== true) {
    exactly(stdout).write(await hub.metrics());
    return 0;
  }
  if (hub.settings.metrics.textfile === undefined)
    throw new SendenseError('usage', `${hub.settingsFile} names no file for metrics`, {
      remedy: 'Add `metrics: { textfile: /var/lib/node_exporter/sendense.prom }`.',
    });
  const warnings: string[] = [];
  await hub.writeMetrics((warning) => void warnings.push(warning));
  for (const warning of warnings)
    stderr.write(`${context.terminal.errorStyle.yellow('warning:')} ${printable(warning)}\n`);
  return warnings.length > 0 ? 3 : 0;
}
