import type { Readable } from 'node:stream';
import { flag, isOn } from '../../../api/flags.ts';
import { compareFiles, sidesOf } from '../../files/compare/compare-files.ts';
import { lineOf, noBytes, streamOf } from './bytes.ts';
import { recorded } from './recorded.ts';
import { readerOf, defineRoute, filesOf, pathOf, place, workErrors } from './route.ts';

export const compareMounts = defineRoute({
  id: 'compareRestorePoints',
  method: 'GET',
  path: '/api/v1/restore/compare',
  tag: 'restore',
  summary: 'What differs between two restore points that are open',
  description:
    'A JSON line for each, `output/files-difference.json`, in the order of the paths. Close the connection to stop. The last line is `{"seen":…,"unreadable":[…]}`: how many paths were compared, and what could not be read.',
  about: ({ query }) => ({ sessions: [query['a'], query['b']] }),
  query: {
    a: { description: 'Id of the session with the restore point before.', required: true, logAs: 'session' },
    b: { description: 'Id of the session with the one after.', required: true },
    ...place,
    content: flag('`yes`: compare the bytes of files that differ in metadata only.'),
  },
  answers: { 200: { description: 'JSON lines.', type: 'application/jsonl' } },
  errors: workErrors,
  async handle(call): Promise<Readable> {
    const { query, isHead } = call;
    const own = filesOf(call);
    const [before, after] = [own.one(query['a'] ?? ''), own.one(query['b'] ?? '')];
    const volume = query['volume'] ?? '';
    // What is wrong with volume or path is an answer, not the end of a stream.
    const sides = await sidesOf(before, after, { volume, path: pathOf(query) });
    if (isHead) return noBytes();
    const path = (sides.before ?? sides.after)?.folder;
    using slots = new DisposableStack();
    for (const files of new Set([before, after])) slots.use(files.enter('search'));
    const what = { ...readerOf(call), action: 'compare', volume, path } as const;
    const content = isOn(query['content']);
    return streamOf(
      async (onBytes, signal) => {
        const act = () => compareFiles(sides, { content, signal, onDifference: (found) => onBytes(lineOf(found)) });
        await onBytes(lineOf(await recorded(before, what, () => recorded(after, what, act))));
      },
      { slot: slots.move(), closed: AbortSignal.any([before.closed, after.closed]) },
    );
  },
});
