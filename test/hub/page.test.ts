import { expect, test } from 'vitest';
import { answerPage, type PageRequest } from '../../src/hub/page/answer-page.ts';
import { readPageFiles, type PageFile, type PageFiles } from '../../src/hub/page/page-files.ts';

const file = (type: string, text: string): PageFile => ({
  type,
  etag: `"${text}"`,
  bytes: { identity: Buffer.from(text), br: Buffer.from(`br ${text}`), gzip: Buffer.from(`gzip ${text}`) },
});

const files: PageFiles = new Map([
  ['/', file('text/html; charset=utf-8', 'index')],
  ['/assets/page-x.js', file('text/javascript; charset=utf-8', 'script')],
]);

const ask = (url: string, more: Partial<PageRequest> = {}): ReturnType<typeof answerPage> =>
  answerPage(files, { method: 'GET', url, acceptEncoding: '', ifNoneMatch: '', ...more });

test('whatever is not of the API is the index, which knows the screens', () => {
  for (const url of ['/', '/runs', '/runs/r-1?x=/api/', '/apiary', '/metrics-of-ours', '/%2e%2e/etc/passwd']) {
    expect(ask(url)?.body.toString(), url).toBe('index');
    expect(ask(url)?.headers['cache-control']).toBe('no-cache');
  }
  for (const url of ['/api', '/api/', '/api/v1/status', '/metrics', '/metrics?x', '/metrics/x'])
    expect(ask(url), url).toBeUndefined();
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) expect(ask('/', { method })).toBeUndefined();
});

test('a file has its name for ever, and is missing rather than another one', () => {
  expect(ask('/assets/page-x.js')).toMatchObject({ status: 200, body: Buffer.from('script') });
  expect(ask('/assets/page-x.js')?.headers['cache-control']).toContain('immutable');
  expect(ask('/assets/page-y.js')?.status).toBe(404);
  expect(ask('/assets/../page-x.js')?.status).toBe(404);
});

test('a file comes as the caller reads it', () => {
  const coded = (acceptEncoding: string): string => ask('/assets/page-x.js', { acceptEncoding })?.body.toString() ?? '';
  expect(coded('gzip, deflate, br, zstd')).toBe('br script');
  expect(coded('gzip;q=0.5, br;q=0')).toBe('gzip script');
  expect(coded('identity')).toBe('script');
  expect(ask('/', { ifNoneMatch: 'W/"index", "other"' })).toMatchObject({ status: 304, body: '' });
});

test('the policy for content lets in nothing that is not of the hub', () => {
  const policy = ask('/')?.headers['content-security-policy'] ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("require-trusted-types-for 'script'");
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
});

test('a hub without the page says so', () => {
  expect(readPageFiles('/nonexistent').size).toBe(0);
  expect(answerPage(new Map(), { method: 'GET', url: '/', acceptEncoding: '', ifNoneMatch: '' })?.status).toBe(503);
});
