import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { SendenseError } from '../../src/errors/sendense-error.ts';
import { createHubApi } from '../../src/hub/create-hub-api.ts';
import { createServiceFigures } from '../../src/hub/metrics/service-figures.ts';
import { openHub } from '../../src/hub/open-hub.ts';
import { saidError, type AskCommand, type StartRun } from '../../src/hub/runs/start-run.ts';
import { startNode } from '../../src/node/start-node.ts';
import type { ErrorOutput } from '../../src/schemas/types.ts';
import { temporaryFolder, type TemporaryFolder } from '../host/temporary-folder.ts';
import { token } from '../node/support.ts';
import { runCli, type CliOptions, type CliResult } from './run-cli.ts';

/** A hub with its API, all in this process: also the commands that its routes ask, and the runs that they begin. */
export interface InnerHub extends AsyncDisposable {
  readonly folder: TemporaryFolder;
  readonly running: { readonly url: string };
  /** At the hub. */
  at(...words: readonly string[]): Promise<CliResult>;
  /** From another machine. */
  from(words: readonly string[], options?: CliOptions): Promise<CliResult>;
}

export async function innerHub(settings: string): Promise<InnerHub> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  await writeFile(folder.file('sendense.yaml'), settings);
  await mkdir(folder.file('elsewhere'));
  await writeFile(folder.file('elsewhere/token'), token, { mode: 0o600 });
  const config = ['--config', folder.file('sendense.yaml')];
  const at = (words: readonly string[], options: CliOptions = {}): Promise<CliResult> =>
    runCli([...config, ...words], { openHub, embeddedNode: startNode, ...options });
  const hub = stack.use(await openHub({ config: config[1], startFolder: folder.path, embeddedNode: startNode }));
  const app = await createHubApi({
    parts: {
      hub,
      ssh: 'builtin',
      service: createServiceFigures('1.0.0'),
      countElsewhere: async () => {},
      startRun: starter(at),
      askCommand: asker(at),
      repeats: { once: async (_asked, begin) => await begin() },
      filesKeeper: () => Promise.reject(new SendenseError('files.unavailable', 'nobody keeps files in this test')),
    },
    token,
    metricsToken: 'metrics-token-0123456789abcdef',
    log: pino({ level: 'silent' }),
  });
  stack.defer(() => app.close());
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const asked = ['--hub', url, '--token-file', join(folder.path, 'elsewhere/token')];
  const owned = stack.move();
  return {
    folder,
    running: { url },
    at: (...words) => at(words),
    from: (words, options) => runCli([...asked, ...words], options),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

type Act = (words: readonly string[], options?: CliOptions) => Promise<CliResult>;

const lastLine = ({ stdout }: CliResult): string => stdout.trim().split('\n').at(-1) ?? '';

/** As `commandAsker`, without a process. */
const asker =
  (act: Act): AskCommand =>
  async (words, _asker, { input, answersWith = [] } = {}) => {
    const ended = await act(['--json', ...words], input === undefined ? {} : { stdin: input });
    const said = JSON.parse(lastLine(ended)) as ErrorOutput & object;
    if ([0, ...answersWith].includes(ended.exitCode) && typeof said.code !== 'string') return said;
    throw saidError(said);
  };

/** As `runStarter`, without a process: a run is answered when it has ended. */
const starter =
  (act: Act): StartRun =>
  (words, { input } = {}) => {
    const run = act(['--json', ...words], input === undefined ? {} : { stdin: input });
    const events = run.then(({ stdout }) =>
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { run_id: string; error?: ErrorOutput | null }),
    );
    const errorOf = async (): Promise<ErrorOutput | null> => (await events).at(-1)?.error ?? null;
    return {
      async begun() {
        const [first] = await events;
        if (first && first.run_id !== '') return first.run_id;
        throw saidError(await errorOf());
      },
      ended: run.then(async ({ exitCode }) => ({ exitCode, error: await errorOf() })),
      cancel: () => {},
    };
  };
