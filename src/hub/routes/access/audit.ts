import { pageQuery, pageRequest, type PageRules } from '../../../api/paging.ts';
import { wordOf } from '../../../api/words.ts';
import type { AuditOutput } from '../../../schemas/types.ts';
import { numberOf } from '../../../api/numbers.ts';
import { defineRoute } from '../route.ts';

const pages: PageRules = { usual: 200, most: 1000, place: ['number', 'number', 'number'] };

export const readAudit = defineRoute({
  id: 'readAudit',
  method: 'GET',
  path: '/api/v1/audit',
  tag: 'access',
  summary: 'Who changed what, who logged in, and who read which files',
  description: 'The newest first, as `sendense-run audit --json`.',
  right: 'administer',
  query: {
    who: { description: 'Only of this user or token.' },
    action: { description: 'Only this: an `operationId` of this document, or an action of `files log`.' },
    outcome: { description: '`failed`: only what went wrong.' },
    since: { description: 'Begun at that time or later, milliseconds since 1970.' },
    ...pageQuery(pages),
  },
  answers: { 200: { description: 'A page of entries.', schema: 'output/audit.json' } },
  errors: [],
  quiet: true,
  async handle({ parts, query }): Promise<AuditOutput> {
    const { who, action, since } = query;
    const failed = wordOf(query, 'outcome', ['failed']) !== undefined;
    const from = since === undefined ? undefined : numberOf(query, 'since', 0, Number.MAX_SAFE_INTEGER);
    const filter = { who, action, failed, since: from };
    return parts.hub.audit.list(filter, pageRequest('audit', query, pages));
  },
});
