import type { ApiError, ErrorOutput } from '../../schemas/types.ts';

/** What the hub answered an error with, or why it did not answer. */
export interface Trouble extends ErrorOutput {
  /** HTTP status; 0: the hub did not answer. */
  readonly status: number;
}

export type Answer<Body> =
  | { readonly ok: true; readonly body: Body; readonly etag: string | null; readonly location: string | null }
  | { readonly ok: false; readonly trouble: Trouble }
  /** What was read before is still so. */
  | { readonly ok: 'unchanged' };

export interface Question {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly body?: object;
  /** Of what was read before: the answer may be `unchanged`. */
  readonly etag?: string | null;
  /** Of what the change was made from: the hub refuses when somebody else has changed it. */
  readonly ifMatch?: string | undefined;
  /** Of something that begins: the same question with the same key begins nothing twice. */
  readonly repeatKey?: string | undefined;
  /** Longest wait for the answer, ms; default 20 s. */
  readonly patienceMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** A key that nobody else has, in hexadecimal digits. */
export const newRepeatKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');

/** Longest wait for an answer that is not a stream, ms. */
const usualPatienceMs = 20_000;

/** @param trouble undefined: it went well */
type Hear = (path: string, trouble: Trouble | undefined) => void;

let hear: Hear = () => {};

/** Tells of every answer: what it says of the hub, and of who is logged in. */
export const hearAnswers = (listener: Hear): void => void (hear = listener);

function heard<Body>(path: string, answer: Answer<Body>): Answer<Body> {
  hear(path, answer.ok === false ? answer.trouble : undefined);
  return answer;
}

/** Asks the hub. Never rejects, except with the reason of `signal`. */
export const ask = async <Body>(path: string, question: Question = {}): Promise<Answer<Body>> =>
  heard(path, await answerTo<Body>(path, question));

async function answerTo<Body>(path: string, question: Question): Promise<Answer<Body>> {
  const { method = 'GET', body, patienceMs = usualPatienceMs, signal } = question;
  const late = AbortSignal.timeout(patienceMs);
  try {
    const response = await fetch(path, {
      method,
      headers: headersOf(question),
      body: body ? JSON.stringify(body) : null,
      cache: 'no-store',
      credentials: 'same-origin',
      signal: signal ? AbortSignal.any([signal, late]) : late,
    });
    if (response.status === 304) return { ok: 'unchanged' };
    const answered = (await readJson(response)) as Body | ApiError | undefined;
    if (!response.ok) return { ok: false, trouble: troubleOf(response.status, answered as ApiError | undefined) };
    const { headers } = response;
    return { ok: true, body: answered as Body, etag: headers.get('etag'), location: headers.get('location') };
  } catch (cause) {
    if (signal?.aborted) throw cause;
    return { ok: false, trouble: silence(late.aborted ? patienceMs : null) };
  }
}

/** Asks the hub for a picture, which it makes now. Never rejects, except with the reason of `signal`. */
export const askPicture = async (path: string, signal: AbortSignal): Promise<Answer<Blob>> =>
  heard(path, await pictureAt(path, signal));

async function pictureAt(path: string, signal: AbortSignal): Promise<Answer<Blob>> {
  try {
    const response = await fetch(path, { method: 'POST', cache: 'no-store', credentials: 'same-origin', signal });
    if (!response.ok) {
      const answered = (await readJson(response)) as ApiError | undefined;
      return { ok: false, trouble: troubleOf(response.status, answered) };
    }
    const bytes = await response.blob();
    return { ok: true, body: new Blob([bytes], { type: 'image/png' }), etag: null, location: null };
  } catch (cause) {
    if (signal.aborted) throw cause;
    return { ok: false, trouble: silence(null) };
  }
}

const headersOf = ({ body, etag, ifMatch, repeatKey }: Question): Record<string, string> => ({
  accept: 'application/json',
  ...(body ? { 'content-type': 'application/json' } : {}),
  ...(etag ? { 'if-none-match': etag } : {}),
  ...(ifMatch ? { 'if-match': ifMatch } : {}),
  ...(repeatKey ? { 'idempotency-key': repeatKey } : {}),
});

async function readJson(response: Response): Promise<unknown> {
  const text = await response.text();
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What the hub answered in place of bytes. */
export const hubTrouble = async (response: Response): Promise<Trouble> =>
  troubleOf(response.status, (await readJson(response)) as ApiError | undefined);

function troubleOf(status: number, body: ApiError | undefined): Trouble {
  if (body?.error) return { ...body.error, status };
  return {
    status,
    code: 'request.invalid',
    message: `the answer has status ${status} and is not from the hub`,
    remedy: 'Look at what stands between your browser and the hub: a proxy may have answered.',
    position: null,
  };
}

/** @param waited milliseconds; null: the connection failed */
const silence = (waited: number | null): Trouble => ({
  status: 0,
  code: 'hub.silent',
  message: waited === null ? 'the hub does not answer' : `the hub did not answer within ${waited / 1000} seconds`,
  remedy: 'Is the service running? On the hub: `systemctl status sendense-hub`.',
  position: null,
});
