import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseChangeId } from '../../../src/node/vsphere/change-id.ts';
import { collectAreas, type Area, type AreaPage } from '../../../src/node/vsphere/collect-areas.ts';

const page = (start: number, length: number, ...areas: [number, number][]): AreaPage => ({
  start,
  length,
  areas: areas.map(([offset, bytes]) => ({ offset, length: bytes })),
});

/** Answers in the order given, and keeps what was asked. */
function server(...pages: AreaPage[]) {
  const asked: number[] = [];
  return {
    asked,
    ask: (start: number): Promise<AreaPage> => {
      asked.push(start);
      const next = pages.shift();
      return next ? Promise.resolve(next) : Promise.reject(new Error(`asked too much: ${start}`));
    },
  };
}

describe('the areas of many pages', () => {
  it('come from all of them, and each asks where the last ended', async () => {
    const { ask, asked } = server(page(0, 300, [0, 100]), page(300, 200, [400, 50]), page(500, 500, [990, 10]));
    expect(await collectAreas(1000, ask)).toEqual([
      { offset: 0, length: 100 },
      { offset: 400, length: 50 },
      { offset: 990, length: 10 },
    ]);
    expect(asked).toEqual([0, 300, 500]);
  });

  it('go on behind an empty page', async () => {
    const { ask } = server(page(0, 500), page(500, 1), page(501, 499, [600, 1]));
    expect(await collectAreas(1000, ask)).toEqual([{ offset: 600, length: 1 }]);
  });

  it('are joined where they touch, also over the edge of a page', async () => {
    const { ask } = server(page(0, 500, [100, 100], [200, 300]), page(500, 500, [500, 10], [520, 1]));
    expect(await collectAreas(1000, ask)).toEqual([
      { offset: 100, length: 410 },
      { offset: 520, length: 1 },
    ]);
  });

  it('need no question for a disk of no bytes', async () => {
    const { ask, asked } = server();
    expect(await collectAreas(0, ask)).toEqual([]);
    expect(asked).toEqual([]);
  });

  it.each<[string, AreaPage[]]>([
    ['begins elsewhere', [page(64, 936)]],
    ['begins at the start again', [page(0, 500), page(0, 1000)]],
    ['does not get on', [page(0, 0)]],
    ['goes back', [page(0, -5)]],
    ['ends behind the disk', [page(0, 1001)]],
    ['has an area before its start', [page(0, 500), page(500, 500, [499, 2])]],
    ['has an area over its end', [page(0, 500, [400, 101])]],
    ['has areas that overlap', [page(0, 1000, [0, 100], [99, 1])]],
    ['has areas out of order', [page(0, 1000, [500, 1], [100, 1])]],
    ['has an area of less than nothing', [page(0, 1000, [500, -1])]],
    ['has numbers beyond 2^53', [page(0, 1000, [2 ** 53, 1])]],
    ['is no number', [page(0, Number.NaN)]],
  ])('are refused where a page %s', async (_what, pages) => {
    await expect(collectAreas(1000, server(...pages).ask)).rejects.toMatchObject({ code: 'cbt.protocol' });
  });

  it('are refused where there is no end of pages', async () => {
    const ask = (start: number) => Promise.resolve(page(start, 1));
    await expect(collectAreas(1000, ask, 10)).rejects.toThrow('10 answers reached only byte 10 of 1000');
  });

  it('are refused for disks of more than 2^53 bytes', async () => {
    await expect(collectAreas(2 ** 53, server().ask)).rejects.toMatchObject({ code: 'cbt.protocol' });
  });

  it('are the changed bytes, whatever the pages are', async () => {
    const disks = fc
      .array(fc.boolean(), { minLength: 1, maxLength: 200 })
      .chain((changed) => fc.tuple(fc.constant(changed), fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 })));
    await fc.assert(
      fc.asyncProperty(disks, async ([changed, lengths]) => {
        const pages = lengths.values();
        const ask = (start: number): Promise<AreaPage> => {
          const length = Math.min(pages.next().value ?? changed.length, changed.length - start);
          return Promise.resolve({ start, length, areas: runs(changed, start, start + length) });
        };
        expect(await collectAreas(changed.length, ask)).toEqual(runs(changed, 0, changed.length));
      }),
    );
  });
});

function runs(changed: readonly boolean[], from: number, to: number): Area[] {
  const found: { offset: number; length: number }[] = [];
  for (let at = from; at < to; at++) {
    if (!changed[at]) continue;
    const last = found.at(-1);
    if (last && last.offset + last.length === at) last.length++;
    else found.push({ offset: at, length: 1 });
  }
  return found;
}

describe('a change id', () => {
  it('has a uuid, compared without regard to case, and a sequence', () => {
    expect(parseChangeId('52 DE c0 d9 b9 43 9d 10-61 d5 4c 1b e9 7b 65 63/81')).toEqual({
      uuid: '52 de c0 d9 b9 43 9d 10-61 d5 4c 1b e9 7b 65 63',
      sequence: '81',
    });
  });
  it.each(['', '*', '81', '/81', 'a/', 'a/b/c'])('is opaque in the form %j', (text) => {
    expect(parseChangeId(text)).toBeNull();
  });
});
