import { exactly } from '../../view/terminal.ts';
import type { Terminal } from '../../view/terminal.ts';
import { unitName, type InstallReport, type ServiceUnit } from './install-services.ts';

/** Unit files as `--print` shows them: each under its path, to be read or piped into a file. */
export const printedUnits = (units: readonly ServiceUnit[]): string =>
  units.map((unit) => `# /etc/systemd/system/${unitName(unit)}\n${unit.text}`).join('\n');

/** What was done, for a reader or as JSON. */
export function reportInstall(report: InstallReport, { stdout, style }: Terminal, json: boolean): void {
  if (json) return void exactly(stdout).write(`${JSON.stringify({ version: 1, ...report })}\n`);
  for (const { path, did } of report.files) stdout.write(`${style.green(style.symbols.done)} ${path}: ${did}\n`);
  for (const name of report.started)
    stdout.write(`${style.green(style.symbols.done)} ${name} is enabled and runs; its log: journalctl -u ${name}\n`);
}
