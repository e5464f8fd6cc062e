import { errorToJson } from '../../errors/sendense-error.ts';
import { reachable, urlOf } from '../../node/listen-address.ts';
import type { ResolvedNodeSettings } from '../../node/node-settings.ts';
import { version } from '../../schemas/package.ts';
import type { NodeStatusOutput } from '../../schemas/types.ts';
import { nodeStatusReport } from '../../view/reports/node-status-report.ts';
import { columnsOf, exactly } from '../../view/terminal.ts';
import type { NodeCommand, NodeContext } from './node-command.ts';
import { listenOption, socketOption, tokenFileOption } from './options.ts';

export const status: NodeCommand = {
  name: 'status',
  summary: 'Show whether API and link are up',
  description: [
    'Shows whether the API answers, at which hub the node is enrolled, and whether the connection to the hub is up. If it is down, it shows the last error and when the node tries again.',
    'Exit status: 0 if all is up, 3 if the API or the connection is down.',
  ],
  options: [listenOption, socketOption, tokenFileOption],
  examples: [
    { command: 'sendense-node status', description: 'API and connection' },
    {
      command: 'sendense-node status --json | jq .link.last_error.message',
      description: 'The last error of the connection, for a script',
    },
  ],
  exitCodes: [0, 1, 2, 3, 10],
  tokenOption: 'tokenFile',
  run,
};

async function run(context: NodeContext): Promise<number> {
  const [{ readEnrolment }, { readLinkStatus }] = await Promise.all([
    import('../../node/link/enrolment-files.ts'),
    import('../../node/link/link-files.ts'),
  ]);
  const settings = context.settings();
  const output: NodeStatusOutput = {
    version: 1,
    node_version: version,
    state_dir: settings.stateDir,
    enrolment: await readEnrolment(settings.stateDir),
    link: await readLinkStatus(settings.stateDir),
    api: await apiOf(settings, context.stop),
  };
  const { stdout, style } = context.terminal;
  if (context.json) exactly(stdout).write(`${JSON.stringify(output)}\n`);
  else stdout.write(`${nodeStatusReport(output, { style, columns: columnsOf(stdout) }).join('\n')}\n`);
  const linked = output.enrolment === null || output.link?.state === 'up';
  return linked && output.api.error === null ? 0 : 3;
}

const silenceMs = 5000;

async function apiOf(settings: ResolvedNodeSettings, signal: AbortSignal): Promise<NodeStatusOutput['api']> {
  const [{ nodeClient }, { readToken }] = await Promise.all([
    import('../../host/node-api/node-client.ts'),
    import('../../node/token.ts'),
  ]);
  const url = urlOf(reachable(settings.listen));
  try {
    const token = await readToken(settings.tokenFile);
    return { url, health: await nodeClient({ url, token, silenceMs }).health(signal), error: null };
  } catch (error) {
    return { url, health: null, error: errorToJson(error) };
  }
}
