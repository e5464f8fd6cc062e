import { matches } from '../../api/etags.ts';
import type { Coding, PageFile, PageFiles } from './page-files.ts';

/** Who asks for a part of the page. */
export interface PageRequest {
  readonly method: string;
  /** With its query. */
  readonly url: string;
  readonly acceptEncoding: string;
  readonly ifNoneMatch: string;
}

export interface PageAnswer {
  readonly status: 200 | 304 | 404 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | string;
}

/** Scripts and styles from this hub only, nothing inline, no text becomes a script; nobody shows the page in a frame. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data: blob:",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const secure: Readonly<Record<string, string>> = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
};

/** Paths that belong to the API, whatever comes after them. */
const ofApi = /^\/(?:api|metrics)(?:\/|$)/;

/**
 * A part of the page: a file of it, else its index, which knows the screens. Undefined: the request is none for the page. It holds
 * no data, so everybody gets it.
 */
export function answerPage(files: PageFiles, request: PageRequest): PageAnswer | undefined {
  const path = request.url.replace(/[?#].*$/s, '');
  if (!['GET', 'HEAD'].includes(request.method) || ofApi.test(path)) return undefined;
  const index = files.get('/');
  if (!index) return textAnswer(503, 'This hub has no page: its files were not built. `npm run build` makes them.\n');
  const file = files.get(path);
  if (!file && path.startsWith('/assets/')) return textAnswer(404, 'There is no such file. Reload the page.\n');
  return fileAnswer(file ?? index, file !== undefined && path !== '/', request);
}

function fileAnswer(file: PageFile, forever: boolean, request: PageRequest): PageAnswer {
  const coding = codingFor(request.acceptEncoding);
  const headers = {
    ...secure,
    'content-type': file.type,
    'etag': file.etag,
    'vary': 'accept-encoding',
    // The names of files have their hashes; the index says which are current.
    'cache-control': forever ? 'public, max-age=31536000, immutable' : 'no-cache',
    ...(coding === 'identity' ? {} : { 'content-encoding': coding }),
  };
  if (matches(request.ifNoneMatch, file.etag)) return { status: 304, headers, body: '' };
  return { status: 200, headers, body: file.bytes[coding] };
}

function codingFor(accepted: string): Coding {
  const names = new Set(
    accepted.split(',').flatMap((one) => (/;\s*q=0(?:\.0*)?\s*$/.test(one) ? [] : [one.replace(/;.*$/s, '').trim()])),
  );
  return names.has('br') ? 'br' : names.has('gzip') ? 'gzip' : 'identity';
}

const textAnswer = (status: 404 | 503, text: string): PageAnswer => ({
  status,
  headers: { ...secure, 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  body: text,
});
