import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';
import type { Certificate } from './certificate.ts';
import { freePort } from './free-ports.ts';

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** As it came, headers and body. */
  readonly source: string;
  /** Header fields by lower-case name, unfolded. */
  readonly headers: Readonly<Record<string, string>>;
  readonly encrypted: boolean;
  readonly user: string | null;
}

export interface MailServer extends AsyncDisposable {
  readonly port: number;
  readonly mails: ReceivedMail[];
}

export interface MailServerOptions {
  /** Default: no STARTTLS. */
  readonly certificate?: Certificate;
  readonly login?: { readonly user: string; readonly password: string };
  readonly port?: number;
  /** Recipients that it refuses. */
  readonly refused?: readonly string[];
}

/** A real SMTP server that keeps what it gets. */
export async function mailServer(options: MailServerOptions = {}): Promise<MailServer> {
  const { certificate, login, refused = [] } = options;
  const port = options.port ?? (await freePort());
  const mails: ReceivedMail[] = [];
  const server = new SMTPServer({
    ...(certificate ? { key: certificate.key, cert: certificate.cert } : {}),
    disabledCommands: [...(certificate ? [] : ['STARTTLS']), ...(login ? [] : ['AUTH'])],
    authOptional: login === undefined,
    allowInsecureAuth: false,
    onAuth: (auth, _session, done) =>
      auth.username === login?.user && auth.password === login?.password
        ? done(null, { user: auth.username })
        : done(new Error('Invalid username or password')),
    onRcptTo: ({ address }, _session, done) =>
      refused.includes(address) ? done(new Error('no such mailbox')) : done(),
    onData: (stream, session, done) => {
      void keep(stream, session, done);
    },
  });
  async function keep(stream: Readable, session: SMTPServerSession, done: () => void): Promise<void> {
    const source = await text(stream);
    mails.push({
      from: session.envelope.mailFrom === false ? '' : session.envelope.mailFrom.address,
      to: session.envelope.rcptTo.map(({ address }) => address),
      source,
      headers: headersOf(source),
      encrypted: session.secure,
      user: typeof session.user === 'string' ? session.user : null,
    });
    done();
  }
  server.on('error', () => undefined);
  server.listen(port, '127.0.0.1');
  await once(server.server, 'listening');
  return {
    port,
    mails,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function headersOf(source: string): Record<string, string> {
  const [head = ''] = source.split(/\r?\n\r?\n/);
  const lines = head.replaceAll(/\r?\n[ \t]+/g, ' ').split(/\r?\n/);
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
}
