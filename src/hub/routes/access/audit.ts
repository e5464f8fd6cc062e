import { pageQuery, pageRequest, type PageRules } from '../../../api/paging.ts';
import { word } from '../../../api/words.ts';
import type { AuditOutput } from '../../../schemas/types.ts';
import { moment, numberOf } from '../../../api/numbers.ts';
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
    outcome: word('Only what went wrong.', ['failed']),
    since: moment('Begun at that time or later'),
    ...pageQuery(pages),
  },
  answers: { 200: { description: 'A page of entries.', schema: 'output/audit.json' } },
  errors: [],
  quiet: true,
  async handle({ parts, query }): Promise<AuditOutput> {
    const { who, action, outcome } = query;
    const filter = { who, action, failed: outcome === 'failed', since: numberOf(query, 'since', undefined) };
    return parts.hub.audit.list(filter, pageRequest('audit', query, pages));
  },
});
