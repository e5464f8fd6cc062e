import { SendenseError } from '../../errors/sendense-error.ts';

// `import` of node:http makes a facade of all it exports, undici among it: 70 ms at every start.
const { request: httpRequest } = process.getBuiltinModule('node:http');
const { request: httpsRequest } = process.getBuiltinModule('node:https');

export interface PostRequest {
  /** May be a secret: no error names more of it than the host. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** PEM; default: the system's authorities. */
  readonly ca?: string | undefined;
}

/** Characters of an answer that are read. */
const longestAnswer = 1000;

/**
 * One POST; any answer but 2xx is an error, and a redirect is not followed.
 * @throws SendenseError `notify.failed`; on abort the signal's reason
 */
export async function httpPost({ url, headers, body, ca }: PostRequest, signal: AbortSignal): Promise<void> {
  const target = parsed(url);
  const { status, answer } = await new Promise<{ status: number; answer: string }>((resolve, reject) => {
    const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
    const options = {
      method: 'POST',
      agent: false as const,
      signal,
      headers: { 'user-agent': 'sendense', ...headers, 'content-length': Buffer.byteLength(body) },
      ...(ca === undefined ? {} : { ca }),
    };
    const request = send(target, options, (response) => {
      let said = '';
      const done = (): void => resolve({ status: response.statusCode ?? 0, answer: said.slice(0, longestAnswer) });
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        said += text;
        if (said.length < longestAnswer) return;
        // What comes after that, be it without end, is of no interest.
        done();
        request.destroy();
      });
      response.on('error', reject);
      response.on('end', done);
    });
    request.on('error', reject);
    request.end(body);
  }).catch((error: Error) => {
    signal.throwIfAborted();
    throw new SendenseError('notify.failed', `${target.host}: ${error.message}`, { cause: error });
  });
  signal.throwIfAborted();
  if (status >= 200 && status < 300) return;
  const said = answer.replaceAll(/\s+/g, ' ').trim();
  const what = status >= 300 && status < 400 ? `${status}, a redirect, which Sendense does not follow` : String(status);
  throw new SendenseError('notify.failed', `${target.host} answered ${what}${said === '' ? '' : `: ${said}`}`);
}

function parsed(url: string): URL {
  const target = URL.parse(url);
  if (target && /^https?:$/.test(target.protocol)) return target;
  throw new SendenseError('notify.failed', 'its url is not an http or https address');
}
