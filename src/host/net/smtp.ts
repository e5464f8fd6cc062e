import { hostname } from 'node:os';
import { createTransport } from 'nodemailer';
import { SendenseError } from '../../errors/sendense-error.ts';

export interface MailServer {
  readonly host: string;
  /** 465: TLS from the first byte, else STARTTLS. */
  readonly port: number;
  /** `opportunistic` believes any certificate, and goes on without TLS where the server has none. */
  readonly tls: 'required' | 'opportunistic' | 'none';
  /** PEM; default: the system's authorities. */
  readonly ca?: string | undefined;
  /** Default: no login. */
  readonly login?: { readonly user: string; readonly password: string } | undefined;
}

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** In angle brackets. */
  readonly messageId: string;
  /** Message id of the first mail of the thread. */
  readonly thread: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Sends one mail; answers the recipients that the server refused.
 * @throws SendenseError `notify.failed`; on abort the signal's reason
 */
export async function sendMail(server: MailServer, mail: Mail, signal: AbortSignal): Promise<string[]> {
  const { host, port, tls, ca, login } = server;
  const transport = createTransport({
    host,
    port,
    secure: port === 465 && tls !== 'none',
    requireTLS: tls === 'required',
    ignoreTLS: tls === 'none',
    opportunisticTLS: tls === 'opportunistic',
    tls: { rejectUnauthorized: tls !== 'opportunistic', minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) },
    ...(login === undefined ? {} : { auth: { user: login.user, pass: login.password } }),
    name: hostname(),
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    const { thread, ...rest } = mail;
    const sent = await transport.sendMail({
      ...rest,
      to: [...mail.to],
      inReplyTo: thread,
      references: [thread],
      headers: { ...mail.headers },
      signal,
    });
    return (sent.rejected ?? []).map(String);
  } catch (error) {
    signal.throwIfAborted();
    throw mailError(server, error as Error & { code?: string; response?: string });
  } finally {
    transport.close();
  }
}

const reasons: Readonly<Record<string, string>> = {
  EAUTH: 'the server refused user and password',
  ETLS: 'no TLS',
  ENOTFOUND: 'its name is not known',
};

function mailError({ host, port }: MailServer, error: Error & { code?: string; response?: string }): SendenseError {
  const reason = reasons[error.code ?? ''];
  return new SendenseError(
    'notify.failed',
    `mail server ${host}:${port}: ${reason === undefined ? '' : `${reason}: `}${error.response ?? error.message}`,
    { cause: error },
  );
}
