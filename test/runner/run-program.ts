import { spawn } from 'node:child_process';

export interface Ended {
  /** 1 where a signal ended it. */
  readonly code: number;
  /** Both streams; empty where they were shown. */
  readonly output: string;
}

export interface RunProgramOptions {
  readonly cwd: string;
  /** Beside the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Its output goes straight to the terminal. */
  readonly show?: boolean;
}

export function runProgram(file: string, args: readonly string[], options: RunProgramOptions): Promise<Ended> {
  const out = options.show ? 'inherit' : 'pipe';
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', out, out],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', reject).on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
