import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/**
 * Gives every JSON answer to a GET an ETag of its body, and answers 304 to callers that have it already (RFC 9110, 8.8.3 and 13.1.2).
 * Answers that have an ETag of their own keep it.
 */
export function tagAnswers(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    if (!(typeof payload === 'string' || Buffer.isBuffer(payload)) || !isTagged(request, reply)) return payload;
    const own = reply.getHeader('etag');
    const tag = typeof own === 'string' ? own : weakTag(payload);
    void reply.header('etag', tag);
    if (reply.getHeader('cache-control') === undefined) void reply.header('cache-control', 'private, no-cache');
    if (!matches(request.headers['if-none-match'], tag)) return payload;
    void reply.code(304).removeHeader('content-type').removeHeader('content-length');
    return null;
  });
}

/** Weak: the same data may be written down in another way. */
export const weakTag = (body: string | Buffer): string =>
  `W/"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;

function isTagged(request: FastifyRequest, reply: FastifyReply): boolean {
  if (reply.statusCode !== 200 || (request.method !== 'GET' && request.method !== 'HEAD')) return false;
  const type = reply.getHeader('content-type');
  return typeof type === 'string' && type.startsWith('application/json');
}

const tagList = /^\s*(?:W\/)?"[^"]*"\s*(?:,\s*(?:(?:W\/)?"[^"]*"\s*)?)*$/;

/** Whether a list of tags, as `If-None-Match` and `If-Match` have it, names this one. Compared weakly (RFC 9110, 8.8.3.2). */
export function matches(list: string | null | undefined, tag: string): boolean {
  if (list == null) return false;
  if (list.trim() === '*') return true;
  const opaque = tag.replace(/^W\//, '');
  if (!tagList.test(list)) return false;
  return (list.match(/(?:W\/)?"[^"]*"/g) ?? []).some((one) => one.replace(/^W\//, '') === opaque);
}
