import { existsSync } from 'node:fs';
import { SendenseError } from '../../errors/sendense-error.ts';
import { runTool } from '../programs/process.ts';

/** Source: sd_booted(3). @throws SendenseError `service.no-systemd` */
export function requireSystemd(): void {
  if (existsSync('/run/systemd/system')) return;
  throw new SendenseError('service.no-systemd', 'systemd does not run this machine: there is no /run/systemd/system');
}

/** @throws SendenseError `service.failed` with what systemctl said */
export async function systemctl(...args: readonly string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await runTool('systemctl', ['--no-ask-password', ...args], {
    allowFailure: true,
    timeoutMs: 120_000,
  });
  if (exitCode !== 0)
    throw new SendenseError('service.failed', `systemctl ${args.join(' ')}: ${(stderr || stdout).trim()}`);
}

/** Whether a unit runs now, or is about to. */
export async function isActive(unit: string): Promise<boolean> {
  const { exitCode } = await runTool('systemctl', ['is-active', '--quiet', unit], { allowFailure: true });
  return exitCode === 0;
}
