import { readFile } from 'node:fs/promises';
import { installSignals } from '../engine/install-signals.ts';
import { SendenseError } from '../errors/sendense-error.ts';
import type { CopyRequest } from '../hub/repositories/copy-points.ts';
import type { Hub } from '../hub/hub.ts';
import { copyReport } from '../view/reports/copy-report.ts';
import { countView } from '../view/run/count-view.ts';
import type { CommandContext } from './command.ts';
import { findPoint } from './find-point.ts';
import { targetIn, unknownName } from './find-target.ts';
import { print } from './print.ts';

interface CopyOptions {
  readonly from?: string;
  readonly to?: string;
  readonly point?: string;
  readonly identity?: string;
  readonly hostKey?: string;
  readonly remoteCommand: string;
}

/** What `repo copy` and `repo move` do. */
export async function copyOrMove(context: CommandContext, move: boolean): Promise<number> {
  const options = context.options as unknown as CopyOptions;
  const to = await destinationOf(options);
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const { target, from } = await sourceOf(hub, context.args[0] ?? '', options);
  using signals = installSignals();
  const view = countView(context.terminal, context.global);
  let output;
  try {
    output = await hub.care.copy({ target, from, to, move, signal: signals.gently, onProgress: view.progress });
  } finally {
    view.close();
  }
  print(context, output, (report) => copyReport(output, report));
  const kept = output.points.some((point) => point.kept_because !== null);
  return output.warnings.length > 0 || kept ? 3 : 0;
}

async function sourceOf(
  hub: Hub,
  name: string,
  { from: repository, point: words }: CopyOptions,
): Promise<Pick<CopyRequest, 'target' | 'from'>> {
  if (words !== undefined) {
    const found = await findPoint(hub, { name, words, repository, repositoryOption: '--from' });
    return { target: { point: found.point }, from: found.repository };
  }
  const { points } = await hub.list({ repository });
  const target = targetIn(points, name);
  if (!target) throw unknownName(points, name, 'no VM and no restore point');
  const having = new Set(
    points
      .filter((point) => ('vm' in target ? point.vm === name : point.backup_id === name))
      .map((point) => point.repository),
  );
  const [from = '', ...others] = having;
  if (others.length > 0) throw new SendenseError('usage', `${name} is in ${[...having].join(' and ')}: say --from`);
  return { target, from };
}

async function destinationOf(options: CopyOptions): Promise<CopyRequest['to']> {
  const { to, identity, hostKey, remoteCommand } = options;
  if (to === undefined) throw new SendenseError('usage', 'say where to: --to REPOSITORY');
  if (!to.includes('://')) return to;
  const url = URL.canParse(to) ? new URL(to) : null;
  if (
    url?.protocol !== 'ssh:' ||
    url.username === '' ||
    url.hostname === '' ||
    url.password !== '' ||
    url.pathname.length < 2
  )
    throw new SendenseError('usage', `${to} does not have the form ssh://user@host[:port]/path`);
  if (identity === undefined) throw new SendenseError('usage', 'say which private key: --identity FILE');
  if (hostKey === undefined)
    throw new SendenseError('usage', 'say which host key the other hub has: --host-key KEY or FILE', {
      remedy: 'On the other hub: `cat /etc/ssh/ssh_host_ed25519_key.pub`.',
    });
  return {
    server: {
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? 22 : Number(url.port),
      user: decodeURIComponent(url.username),
      hostKeys: [hostKey.includes(' ') ? hostKey : (await read(hostKey)).trim()],
    },
    privateKey: await read(identity),
    command: `${remoteCommand} repo receive ${quoted(decodeURIComponent(url.pathname))}`,
  };
}

const read = (path: string): Promise<string> =>
  readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new SendenseError('file.unreadable', `${path} cannot be read (${cause.code})`, { cause });
  });

/** For the shell of the other hub. */
const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
