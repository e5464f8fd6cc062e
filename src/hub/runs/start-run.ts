import { dirname } from 'node:path';
import { catalogue, type ErrorCode } from '../../errors/catalogue.ts';
import { errorToJson, SendenseError } from '../../errors/sendense-error.ts';
import { startOwnProgram, type OwnProgramEnd } from '../../host/programs/own-program.ts';
import type { ErrorOutput, RunEvent } from '../../schemas/types.ts';
import { judgedEnvironment, type JudgedPlan } from './judged-plan.ts';
import { createTurns, type Turns } from './turns.ts';

/** A run in a process of its own. */
export interface StartedRun {
  /** Its id, as soon as it has begun. @throws SendenseError what kept it from beginning, such as `plan.invalid` */
  begun(): Promise<string>;
  /** Never rejects. */
  readonly ended: Promise<RunEnd>;
  /** Asks it to stop and clean up, unless it has ended. */
  cancel(): void;
}

export interface RunEnd {
  /** Null where its process was killed, or could not be started. */
  readonly exitCode: number | null;
  /** What it failed with; null where it succeeded, with warnings or without. */
  readonly error: ErrorOutput | null;
}

/**
 * Begins a run.
 * @param words a command of `sendense-run` that runs something, with its options: `run PLAN`
 * @param given.input what it reads from standard input: the text of the plan, for `run -`
 */
export type StartRun = (words: readonly string[], given?: GivenToRun) => StartedRun;

export interface GivenToRun {
  readonly input?: string | undefined;
  /** The plan of the file that it runs, if it is still that. */
  readonly judged?: JudgedPlan | undefined;
}

export interface RunStarterOptions {
  /** `sendense-run` as a list of words. */
  readonly program: readonly string[];
  /** Absolute. The runs have these settings. */
  readonly settingsFile: string;
}

/** Runs that others start than people: the daemon, and requests to the API of the hub. */
export const runStarter =
  ({ program, settingsFile }: RunStarterOptions): StartRun =>
  (words, { input, judged } = {}) => {
    assertWords(words);
    const all = [...program, '--config', settingsFile, '--json', ...words];
    const run = startOwnProgram(all, { cwd: dirname(settingsFile), input, env: judgedEnvironment(judged) });
    const ended = run.ended.then(endOf);
    return {
      begun: async () => idIn(await run.firstLine) ?? notBegun(await ended),
      ended,
      cancel: () => run.terminate(),
    };
  };

export interface AskCommandOptions extends Pick<GivenToRun, 'judged'> {
  /** What the command gets at standard input. */
  readonly input?: string;
  /** Exit statuses with which it answers, too; 0 always. */
  readonly answersWith?: readonly number[];
}

/** Who asks a command. */
export interface Asker {
  /** Tells who it is from others: nobody may take all turns. */
  readonly by: string;
  /** Ends the command. */
  readonly signal: AbortSignal;
}

/** Asks a command of `sendense-run` that answers and begins nothing. @throws SendenseError what the command says, `run.crashed`, or `node.limited` where too many are asked */
export type AskCommand = (words: readonly string[], asker: Asker, options?: AskCommandOptions) => Promise<object>;

/** Each is a process of some 70 MiB. */
const usualTurns = { most: 8, mostOfOne: 4, withinMs: 30_000 };

/**
 * Commands that look at much, or at other machines: a process of their own, so that the service goes on answering. A few at a time: who may
 * ask must not be able to fill the memory of the hub.
 */
export function commandAsker(
  { program, settingsFile }: RunStarterOptions,
  turns: Turns = createTurns(usualTurns),
): AskCommand {
  return async (words, { by, signal }, { input, judged, answersWith = [] } = {}) => {
    assertWords(words);
    using _turn = await turns.take(by, signal);
    signal.throwIfAborted();
    const command = startOwnProgram([...program, '--config', settingsFile, '--json', ...words], {
      cwd: dirname(settingsFile),
      input,
      env: judgedEnvironment(judged),
    });
    const end = (): void => command.terminate();
    signal.addEventListener('abort', end, { once: true });
    const ended = await command.ended.finally(() => signal.removeEventListener('abort', end));
    signal.throwIfAborted();
    const answers = [0, ...answersWith].includes(ended.exitCode ?? -1) && errorIn(ended.lastLine) === null;
    return (answers ? parsed(ended.lastLine) : null) ?? notBegun(endOf(ended));
  };
}

/** No program can be handed a word with NUL in it. @throws SendenseError `request.invalid` */
function assertWords(words: readonly string[]): void {
  if (words.some((word) => word.includes('\0')))
    throw new SendenseError('request.invalid', 'a value holds the character NUL', { remedy: 'Leave it out.' });
}

function endOf({ exitCode, lastLine, said }: OwnProgramEnd): RunEnd {
  const error = errorIn(lastLine) ?? (exitCode === 0 || exitCode === 3 ? null : failed(said, exitCode));
  return { exitCode, error };
}

/** What a run says at its end on standard output, where it says so. */
function errorIn(lastLine: string): ErrorOutput | null {
  const said = parsed(lastLine);
  if (said?.type === 'run.finished') return said.error ?? null;
  return typeof said?.code === 'string' && typeof said.message === 'string' ? (said as ErrorOutput) : null;
}

function idIn(firstLine: string): string | undefined {
  const said = parsed(firstLine);
  return said?.type === 'run.started' && typeof said.run_id === 'string' ? said.run_id : undefined;
}

type Said = Partial<Omit<ErrorOutput, 'type'>> & {
  readonly type?: RunEvent['type'];
  readonly run_id?: unknown;
  readonly error?: ErrorOutput | null;
};

function parsed(line: string): Said | null {
  try {
    return JSON.parse(line) as Said | null;
  } catch {
    return null;
  }
}

const failed = (said: string, exitCode: number | null): ErrorOutput =>
  errorToJson(
    new SendenseError(
      'run.crashed',
      `its process ${exitCode === null ? 'could not be started or was killed' : `ended with ${exitCode}`}${said === '' ? '' : `: ${said.split('\n').at(-1)}`}`,
    ),
  );

function notBegun({ error }: RunEnd): never {
  throw saidError(error);
}

/** What a process of a run failed with, as an error of ours. */
export function saidError(error: ErrorOutput | null): SendenseError {
  if (error && Object.hasOwn(catalogue, error.code))
    return new SendenseError(error.code as ErrorCode, error.message, { remedy: error.remedy });
  return new SendenseError('run.crashed', error?.message ?? 'its process ended before it had answered');
}
