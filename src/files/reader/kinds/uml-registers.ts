import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../../schemas/package.ts';

/** What `uml-registers.c` is compiled into, where there was a compiler. */
export const registers = join(packageRoot, 'dist/uml-registers.so');

/** Why the kernel cannot keep the registers of this machine's processor; null: it can. */
export const unfitRegisters = (): string | null =>
  existsSync(registers) || !(loses ??= losesRegisters(cpuInfo(), kernelVersion()))
    ? null
    : 'this processor has AMX, whose registers User-Mode Linux before 6.13 loses, and the library that mends it is not compiled: install gcc and libc6-dev, then run `npm run build`';

/** The processor and the kernel stay what they are as long as this process lives. */
let loses: boolean | undefined;

/**
 * Whether a kernel has too little room for the registers of a processor.
 * @param cpus /proc/cpuinfo
 * @param version of linux.uml; one that does not say it is looked at when it starts
 */
export function losesRegisters(cpus: string, version: string): boolean {
  const [, major = '9', minor = '0'] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  return /^flags\b.*\bamx_tile\b/m.test(cpus) && Number(major) * 1000 + Number(minor) < 6013;
}

function cpuInfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return '';
  }
}

function kernelVersion(): string {
  try {
    return execFileSync('linux.uml', ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return '';
  }
}
