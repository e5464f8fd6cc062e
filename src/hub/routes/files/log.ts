import type { FilesLogOutput } from '../../../schemas/types.ts';
import { defineRoute } from '../route.ts';
import { limitOf, numberOf } from '../../../api/numbers.ts';

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
    since: { description: 'Begun at that time or later, milliseconds since 1970.' },
    before: { description: 'Older than the row with this `id`.' },
    limit: { description: `Rows, the newest that fit; default 1000, at most ${mostRows}.` },
  },
  answers: { 200: { description: 'The rows.', schema: 'output/files-log.json' } },
  errors: [],
  async handle({ parts, query }): Promise<FilesLogOutput> {
    const number = (name: string): number | undefined =>
      query[name] === undefined ? undefined : numberOf(query, name, 0, Number.MAX_SAFE_INTEGER);
    return parts.hub.fileReads({
      vm: query['vm'],
      since: number('since'),
      before: number('before'),
      limit: limitOf(query, 1000, mostRows),
    });
  },
});
