import type { FilesLogOutput } from '../../../schemas/types.ts';
import { defineRoute } from '../route.ts';
import { largest, limit, moment, number, numberOf } from '../../../api/numbers.ts';

const mostRows = 10_000;

export const readLog = defineRoute({
  id: 'readFilesLog',
  method: 'GET',
  path: '/api/v1/restore/log',
  tag: 'restore',
  summary: 'Who read which files of restore points',
  right: 'administer',
  description:
    'The newest last, as `sendense-run files log --json`. For older ones, ask for those before the first `id`.',
  query: {
    vm: { description: 'Only of this VM.' },
    since: moment('Begun at that time or later'),
    before: number('Older than the row with this `id`.', [0, largest]),
    limit: limit('Rows, the newest that fit', 1000, mostRows),
  },
  answers: { 200: { description: 'The rows.', schema: 'output/files-log.json' } },
  errors: [],
  async handle({ parts, query }): Promise<FilesLogOutput> {
    return parts.hub.fileReads({
      vm: query['vm'],
      since: numberOf(query, 'since', undefined),
      before: numberOf(query, 'before', undefined),
      limit: numberOf(query, 'limit', 1000),
    });
  },
});
