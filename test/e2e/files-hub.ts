import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { readFileSync } from 'node:fs';
import { vi } from 'vitest';
import { freePorts } from '../support/free-ports.ts';
import { makeWebDisk } from './files-disk.ts';
import { endFiles, filesKeepers } from './files-keepers.ts';
import { backupPlan, program, workspace, type Workspace } from './workspace.ts';

/** A hub with restore points of one VM, whose API answers. */
export interface FilesHub extends AsyncDisposable {
  readonly bench: Workspace;
  readonly url: string;
  readonly token: string;
  /** Of the hub's process. */
  pid(): number;
  /** Starts the hub again that was killed. */
  start(): Promise<void>;
  /** Processes that keep restore points of this hub open. */
  keepers(): number[];
  /** A request with the token. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** The body of one that has to go well. */
  json<T>(path: string, init?: RequestInit): Promise<T>;
  /** Opens the newest restore point, or that one. @returns the session */
  mount(point?: string): Promise<string>;
}

const patience = { timeout: 200_000, interval: 20 };

/** Calls that write to the standard output of their process. */
export const writesBytes = (args: readonly string[]): boolean => args.includes('cat');

/** @param settings more lines of its settings @param nights a backup of each */
export async function filesHub(settings = '', nights: readonly string[] = ['one']): Promise<FilesHub> {
  const [api = 0, ssh = 0] = await freePorts(2);
  const stack = new AsyncDisposableStack();
  const lines = [
    'version: 1',
    'repositories: { primary: { path: ./repository } }',
    `hub: { listen: '127.0.0.1:${ssh}', api: '127.0.0.1:${api}' }`,
    settings,
  ];
  const bench = stack.use(await workspace({ ownProcess: writesBytes, settings: lines.join('\n') }));
  await bench.write('plan.yaml', backupPlan(['disk.raw']));
  for (const night of nights) {
    await makeWebDisk(bench.folder, night);
    const run = await bench.run('plan.yaml');
    if (run.exitCode !== 0) throw new Error(`${run.stdout}${run.stderr}`);
  }
  stack.defer(async () => {
    await endFiles(bench);
  });
  let hub: ReturnType<typeof spawn> | null = null;
  stack.defer(async () => {
    if (!hub || hub.exitCode !== null || hub.signalCode !== null) return;
    hub.kill('SIGTERM');
    await once(hub, 'exit');
  });
  const start = async (): Promise<void> => {
    const words = [program, '--config', bench.path('sendense.yaml'), 'hub'];
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe'] });
    hub = child;
    let said = '';
    child.stderr.on('data', (text: Buffer) => (said += text.toString()));
    await vi.waitUntil(() => said.includes('"listening"') || child.exitCode !== null, patience);
    if (child.exitCode !== null) throw new Error(said);
  };
  await start();
  const url = `http://127.0.0.1:${api}`;
  const token = readFileSync(bench.path('state', 'hub-api.token'), 'utf8').trim();
  const ask: FilesHub['ask'] = (path, init = {}) =>
    fetch(`${url}/api/v1/restore${path}`, {
      signal: AbortSignal.timeout(60_000),
      ...init,
      headers: { authorization: `Bearer ${token}`, ...(init.headers as Record<string, string>) },
    });
  const json = async <T>(path: string, init?: RequestInit): Promise<T> => {
    const answer = await ask(path, init);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
    return JSON.parse(text) as T;
  };
  return {
    bench,
    url,
    token,
    pid: () => hub?.pid ?? 0,
    start,
    keepers: () => filesKeepers(bench),
    ask,
    json,
    mount: async (point) =>
      (await json<{ id: string }>('/mount', post({ vm: 'pgtest1', ...(point ? { point } : {}) }))).id,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** A request with a JSON body. */
export const post = (body: object): RequestInit => ({
  method: 'POST',
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json' },
});

/** A path as the API takes it. */
export const idOf = (path: string | Buffer): string => Buffer.from(path).toString('base64url');

/** A download of 30 MB of which nobody takes more than the first bytes. */
export async function stalledDownload({ url, token }: FilesHub, session: string): Promise<IncomingMessage> {
  const request = httpRequest(`${url}/api/v1/restore/${session}/download?volume=disk-0p1&path=${idOf('srv/big')}`, {
    headers: { authorization: `Bearer ${token}` },
    agent: false,
  });
  request.end();
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  answer.on('error', () => undefined);
  await once(answer, 'readable');
  return answer;
}

/** Takes the rest of it. @returns how many bytes came, and whether the transfer ended as one that is whole */
export async function takeRest(answer: IncomingMessage): Promise<{ readonly bytes: number; readonly whole: boolean }> {
  let bytes = 0;
  answer.on('data', (piece: Buffer) => (bytes += piece.length));
  await vi.waitUntil(() => answer.destroyed || answer.complete, patience);
  return { bytes, whole: answer.complete };
}
