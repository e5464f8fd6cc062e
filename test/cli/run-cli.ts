import type { ProgramIo } from '../../src/cli/command.ts';
import { main } from '../../src/cli/main.ts';
import { fakeStream } from '../view/fake-terminal.ts';

export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly env?: Record<string, string>;
  readonly stdin?: string;
  /** What is typed, one answer after another; standard input is a terminal then. */
  readonly typed?: readonly string[];
  /** Answers to questions on the terminal, one after another. */
  readonly answers?: readonly string[];
  readonly openHub?: ProgramIo['openHub'];
  readonly embeddedNode?: ProgramIo['embeddedNode'];
}

const noHub = (): never => {
  throw new Error('this command needs no hub');
};

/** `sendense-run` inside this process. */
export async function runCli(argv: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const stdout = fakeStream(options);
  const stderr = fakeStream(options);
  const exitCode = await main(argv, {
    stdout,
    stderr,
    env: options.env ?? { LANG: 'C.UTF-8', NO_COLOR: '1' },
    askHidden: options.typed && hiddenAnswers(options.typed, stderr),
    askLine: options.answers && hiddenAnswers(options.answers, stderr),
    readInput: () => Promise.resolve(Buffer.from(options.stdin ?? '')),
    openHub: options.openHub ?? noHub,
    embeddedNode: options.embeddedNode ?? noHub,
  });
  return { exitCode, stdout: stdout.text, stderr: stderr.text };
}

function hiddenAnswers(answers: readonly string[], stderr: { write(text: string): unknown }) {
  let next = 0;
  return async (prompt: string): Promise<string> => {
    stderr.write(prompt);
    return answers[next++] ?? '';
  };
}
