import { readFile } from 'node:fs/promises';
import { exactly } from '../../view/terminal.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { printable } from '../../view/text.ts';
import type { NodeCommand, NodeContext } from './node-command.ts';

export const enroll: NodeCommand = {
  name: 'enroll',
  summary: 'Make this node known to a hub',
  description: [
    "Makes a key pair for this node and registers it at the hub. You need the one-time token that `sendense-run node add NAME` printed there. The token holds the hub's host key, so the node trusts nothing on first sight. The hub also gets the token of this node's API.",
    'On a terminal, the command asks for the token and does not show it. In a script, give it in a file or on standard input: every user of this machine can see what --token says.',
    'If the answer of the hub is lost on the way, run the same command again. It goes on with the same enrolment.',
  ],
  options: [
    { flags: '--hub <host[:port]>', description: "address of the hub's SSH server; default port: 443" },
    { flags: '--token <token>', description: 'the token; - reads it from standard input' },
    { flags: '--token-file <file>', description: 'file that holds the token; - is standard input', completes: 'files' },
    {
      flags: '--api-token-file <file>',
      description: "file with the token of this node's API; made if it is missing (default: STATE-DIR/token)",
      completes: 'files',
    },
    { flags: '--force', description: 'replace an enrolment that is there' },
  ],
  examples: [
    {
      command: 'sendense-node enroll --hub hub.example.com --token-file token.txt',
      description: 'With the token in a file',
    },
    {
      command:
        'ssh root@hub.example.com runuser -u sendense -- sendense-run node add site-b | sendense-node enroll --hub hub.example.com --token -',
      description: 'Straight from the hub',
    },
  ],
  exitCodes: [0, 1, 2, 10, 11, 12, 75],
  tokenOption: 'apiTokenFile',
  run,
};

async function run(context: NodeContext): Promise<number> {
  const [{ enroll: enrollAt }, { hubAddress }] = await Promise.all([
    import('../../node/link/enroll.ts'),
    import('../../node/node-settings.ts'),
  ]);
  const { stateDir, tokenFile, hub: fromSettings } = context.settings();
  const named = context.options['hub'];
  const hub = typeof named === 'string' ? hubAddress(named) : fromSettings;
  if (!hub) throw new SendenseError('usage', 'which hub? --hub HOST, or `hub:` in node.yaml');
  const token = await tokenOf(context);
  const enrolment = await enrollAt({
    stateDir,
    tokenFile,
    hub,
    token,
    force: context.options['force'] === true,
    signal: context.stop,
  });
  const { stdout, style } = context.terminal;
  const { name, reverse_port: reverse, hub_version: version } = enrolment;
  if (context.json) exactly(stdout).write(`${JSON.stringify(enrolment)}\n`);
  else
    stdout.write(
      [
        `${style.green(style.symbols.done)} enrolled as ${style.bold(name)} at ${hub.host}:${hub.port} (version ${printable(version)}, port ${reverse} there)`,
        `  next: ${style.cyan('sendense-node serve --tunnel')}, or both as services`,
        '',
      ].join('\n'),
    );
  return 0;
}

/** No token fits into more. */
const maxTokenBytes = 16_384;

async function tokenOf({ options, readInput, askHidden }: NodeContext): Promise<string> {
  const { token, tokenFile } = options as { token?: string; tokenFile?: string };
  if (token !== undefined && tokenFile !== undefined)
    throw new SendenseError('usage', 'name the token once: --token or --token-file');
  if (token !== undefined && token !== '-') return token;
  if (token === '-' || tokenFile === '-') return tokenIn(await readInput());
  if (tokenFile !== undefined) {
    const bytes = await readFile(tokenFile).catch((cause: NodeJS.ErrnoException) => {
      throw new SendenseError('secret.unreadable', `the token file ${tokenFile} cannot be read (${cause.code})`, {
        cause,
      });
    });
    return tokenIn(bytes);
  }
  if (askHidden) return askHidden('Token of `sendense-run node add`: ');
  throw new SendenseError('usage', 'no token: --token-file FILE, --token -, or --token TOKEN');
}

/** The token in what `node add` printed, which may hold more than the token. */
function tokenIn(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, maxTokenBytes)).toString('utf8');
  return /sendense1\.[A-Za-z0-9_-]+/.exec(text)?.[0] ?? text;
}
