import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { mostLevels } from '../../../src/blocks/block-index-format.ts';
import { openIndex } from '../../../src/blocks/block-index.ts';
import { alone } from '../../../src/blocks/index-form.ts';
import { SendenseError } from '../../../src/errors/sendense-error.ts';
import type { NodeClient } from '../../../src/host/node-api/node-client.ts';
import { noKeys } from '../../../src/repository/image-keys.ts';
import type { NodeTransferInput } from '../../../src/schemas/types.ts';
import { sendIndexes, type SentIndexes } from '../../../src/steps/at-node/send-indexes.ts';
import { changed, emptyModel, readModel, writeModel, type Model } from '../../blocks/index-model.ts';
import { openWorkshop, type Workshop } from '../../blocks/workshop.ts';

async function chain(shop: Workshop, count: number, base: 1 | 2 = 2): Promise<Model> {
  let model = changed(emptyModel(), [{ first: 0, count: 5000, step: 1, value: 3 }]);
  for (let at = 0; at < count; at++) {
    if (at === 0) {
      await writeModel(shop.path('p0.index'), model, alone(base));
      continue;
    }
    model = changed(model, [{ first: at * 100, count: 2, step: 1, value: 9 }]);
    await using index = await openIndex(shop.path(`p${at - 1}.index`));
    await writeModel(shop.path(`p${at}.index`), model, { format: 2, parent: { name: `p${at - 1}`, index } });
  }
  return model;
}

async function send(
  shop: Workshop,
  parent: string,
  formats: NodeClient['indexFormats'],
  digest?: string,
): Promise<{ sent: SentIndexes; bytes: Buffer }> {
  const got: Buffer[] = [];
  const client = {
    indexFormats: formats,
    putIndex: async (sha256: string, content: string | (() => Readable)) => {
      const bytes = typeof content === 'string' ? await readFile(content) : await buffer(content());
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
      got.push(bytes);
    },
  } as unknown as NodeClient;
  await using index = await openIndex(shop.path(`${parent}.index`));
  const chosen = { backup_id: parent, index_path: `${parent}.index`, digest: digest ?? index.root };
  const input = {
    disks: [{ key: '0', parent: chosen, encryption: null }],
  } as unknown as NodeTransferInput;
  const sent = await sendIndexes(client, shop.folder, input, noKeys, new AbortController().signal);
  return { sent, bytes: got[0]! };
}

const tooOld = async (): Promise<never> => {
  throw new SendenseError('node.refused', 'no such request', { details: { status: 404 } });
};

for (const base of [1, 2] as const) {
  test(`a node gets one file that stands alone, whatever the repository has (base: format ${base})`, async () => {
    await using shop = await openWorkshop();
    const model = await chain(shop, 4, base);
    const { sent, bytes } = await send(shop, 'p3', async () => ({ formats: [1, 2, 7] }));
    expect(sent.format).toBe(2);
    expect(sent.previous.get('0')?.parent).toBe('p3');
    await writeFile(shop.path('sent'), bytes);
    expect((await readModel(shop.path('sent'))).equals(model)).toBe(true);
    await using index = await openIndex(shop.path('sent'));
    expect(index.levels).toMatchObject([{ format: 2, parent: null }]);
  });

  test(`a node that knows format 1 only, or does not say, gets that, and nothing of the other (base: format ${base})`, async () => {
    await using shop = await openWorkshop();
    for (const [formats, count] of [
      [tooOld, 3],
      [async () => ({ formats: [1] }), 1],
    ] as const) {
      const model = await chain(shop, count, base);
      const { sent, bytes } = await send(shop, `p${count - 1}`, formats);
      expect(sent).toMatchObject({ format: 1 });
      expect(sent.previous.get('0')?.parent).toBeNull();
      await writeFile(shop.path('sent'), bytes);
      expect((await readModel(shop.path('sent'))).equals(model)).toBe(true);
      await using index = await openIndex(shop.path('sent'));
      expect(index.levels).toMatchObject([{ format: 1, parent: null }]);
    }
  });
}

test('the index after the longest chain stands alone', async () => {
  await using shop = await openWorkshop();
  await chain(shop, mostLevels);
  const knows = async () => ({ formats: [1, 2] });
  expect((await send(shop, `p${mostLevels - 2}`, knows)).sent.previous.get('0')?.parent).toBe(`p${mostLevels - 2}`);
  expect((await send(shop, `p${mostLevels - 1}`, knows)).sent.previous.get('0')?.parent).toBeNull();
});

test('another refusal of the node is no old node', async () => {
  await using shop = await openWorkshop();
  await chain(shop, 1);
  const refuses = async (): Promise<never> => {
    throw new SendenseError('node.refused', 'no', { details: { status: 500 } });
  };
  await expect(send(shop, 'p0', refuses)).rejects.toMatchObject({ code: 'node.refused' });
});

test.each([1, 2])('an index of another content than was chosen is sent to nobody (format %i)', async (format) => {
  await using shop = await openWorkshop();
  await chain(shop, 2, 1);
  const other = `sha256:${'0'.repeat(64)}`;
  for (const parent of ['p0', 'p1'])
    await expect(send(shop, parent, async () => ({ formats: [format] }), other)).rejects.toMatchObject({
      code: 'repository.damaged',
      message: expect.stringContaining(`${other} was chosen`) as string,
    });
});
