import { execa } from 'execa';
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';

const folder = join(import.meta.dirname, '../../.toolchain/simulators');

/** A C source of the tests, compiled where it is newer than what is there. @returns the program or library */
export async function compiled(source: string, flags: readonly string[] = []): Promise<string> {
  const program = join(folder, basename(source).replace(/\.c$/, ''));
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return program;
  mkdirSync(folder, { recursive: true });
  // Another test may be compiling it, too.
  const own = `${program}.${process.pid}`;
  await execa('cc', ['-O2', '-Wall', '-Werror', ...flags, '-o', own, source]);
  renameSync(own, program);
  return program;
}
