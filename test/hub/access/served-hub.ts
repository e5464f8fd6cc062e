import { mkdir, writeFile } from 'node:fs/promises';
import { pino } from 'pino';
import type { ApiServer } from '../../../src/api/create-api.ts';
import type { ApiLimits } from '../../../src/api/limits.ts';
import { SendenseError } from '../../../src/errors/sendense-error.ts';
import { createHubApi, type HubApiOptions } from '../../../src/hub/create-hub-api.ts';
import type { Hub } from '../../../src/hub/hub.ts';
import { createServiceFigures } from '../../../src/hub/metrics/service-figures.ts';
import { openHub } from '../../../src/hub/open-hub.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';
import { token } from '../../node/support.ts';

export const metricsToken = 'metrics-token-0123456789abcdef';

export interface ServedHub extends AsyncDisposable {
  readonly folder: string;
  readonly running: { readonly url: string };
  readonly app: ApiServer;
  readonly hub: Hub;
  readonly lines: { readonly level: number; readonly msg: string; readonly [field: string]: unknown }[];
}

interface ServedOptions {
  /** More of `hub:` in sendense.yaml: keys of a map in one line. */
  readonly settings?: string;
  readonly certificate?: HubApiOptions['certificate'];
}

/** The API of a hub that has a folder of its own, on any port. */
export async function servedHub(
  limits: Partial<ApiLimits> = {},
  more: Partial<Hub> = {},
  { settings = '', certificate }: ServedOptions = {},
): Promise<ServedHub> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  const own = `plans: ./plans, editPlans: true, ${settings}`;
  await writeFile(
    folder.file('sendense.yaml'),
    `repositories: { primary: { path: ./repository } }
sources: { images: { type: image, vms: { pgtest1: { disks: [{ path: a.raw }] } } } }
hub: { ${own} }
`,
  );
  await mkdir(folder.file('plans'));
  const embeddedNode = (): Promise<never> => Promise.reject(new Error('no node is embedded in this test'));
  const hub = stack.use(await openHub({ startFolder: folder.path, embeddedNode }));
  const lines: ServedHub['lines'] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line) as never) });
  const app = await createHubApi({
    parts: {
      hub: { ...hub, ...more },
      ssh: 'builtin',
      service: createServiceFigures('1.0.0'),
      countElsewhere: async () => {},
      startRun: () => {
        throw new Error('no route starts a run');
      },
      // What a source answers of a VM; no other route asks a command.
      askCommand: (words) =>
        words.includes('--vm=pgtest1')
          ? Promise.resolve({ plan_file: null, plan_text: 'version: 1\nkind: backup\nname: pgtest1-nightly\n' })
          : Promise.reject(new SendenseError('usage', 'no command is asked in this test')),
      repeats: { once: async (_asked, begin) => await begin() },
      filesKeeper: () => Promise.reject(new SendenseError('files.unavailable', 'nobody keeps files in this test')),
    },
    token,
    metricsToken,
    log,
    limits,
    certificate,
  });
  stack.defer(() => app.close());
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const owned = stack.move();
  return { folder: folder.path, running: { url }, app, hub, lines, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
