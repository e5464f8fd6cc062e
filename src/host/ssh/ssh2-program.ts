import { startFile } from '../../schemas/package.ts';
import { catalogue, type ErrorCode } from '../../errors/catalogue.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { ConnectionProgram } from './connection.ts';
import { where, type TunnelOptions } from './tunnel-options.ts';

/** What the process of a tunnel through ssh2 is told, in one line: the file of the key, never the key. */
export type Ssh2Order = Pick<TunnelOptions, 'server' | 'keyFile' | 'local' | 'remote'> & { readonly command: string };

/** What it says on its standard error, one JSON object a line. */
export interface Ssh2Report {
  readonly kind: 'refusal' | 'end';
  readonly code: ErrorCode;
  readonly message: string;
}

/** ssh2 in a process of its own: a busy event loop would halve it. */
export const ssh2Program = (options: TunnelOptions): ConnectionProgram => ({
  name: 'ssh2',
  file: process.execPath,
  // Buffers that live for a moment are freed soon: 50 MB less with 101 busy forwards (docs/performance.md).
  args: ['--max-semi-space-size=2', startFile('host/ssh/ssh2-child'), options.folder],
  order: `${JSON.stringify(orderOf(options))}\n`,
  refusalIn(line) {
    const report = reportIn(line);
    return report?.kind === 'refusal' ? new SendenseError(report.code, report.message) : undefined;
  },
  explain(said, exit) {
    const end = said.map(reportIn).findLast((report) => report?.kind === 'end');
    if (end) return new SendenseError(end.code, end.message);
    return new SendenseError(
      'ssh.lost',
      `${where(options.server)}: the tunnel's process ended (${exit}): ${said.at(-1) ?? ''}`,
    );
  },
});

const orderOf = ({ server, keyFile, local, remote, command }: TunnelOptions): Ssh2Order => ({
  server,
  keyFile,
  local,
  remote,
  command: command ?? 'sendense-link',
});

function reportIn(line: string): Ssh2Report | null {
  try {
    const value = JSON.parse(line) as Ssh2Report;
    return Object.hasOwn(catalogue, value.code) && typeof value.message === 'string' ? value : null;
  } catch {
    return null;
  }
}
