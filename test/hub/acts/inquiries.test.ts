import { expect, test } from 'vitest';
import { createInquiries, type Question } from '../../../src/hub/acts/inquiries.ts';

const question = (...words: readonly string[]): Question => ({
  kind: 'copy',
  about: 'primary',
  words: ['repo', ...words],
  caller: { name: 'anna', identity: 'anna 1' },
  reduce: (output) => output,
});

test('what goes on is not begun again, and is no answer to who asks for something else', async () => {
  const { promise, resolve } = Promise.withResolvers<object>();
  let asked = 0;
  using inquiries = createInquiries(async () => {
    asked += 1;
    return await promise;
  });
  const begun = inquiries.begin(question('copy', 'web1'));
  expect(inquiries.begin(question('copy', 'web1'))).toBe(begun);
  expect(() => inquiries.begin(question('move', 'web1'))).toThrow(
    expect.objectContaining({ code: 'node.limited', message: expect.stringContaining('anna') as string }),
  );
  expect(asked).toBe(1);
  resolve({});
  await expect.poll(() => inquiries.last('copy', 'primary')?.ended ?? null).not.toBeNull();
  inquiries.begin(question('move', 'web1'));
  expect(asked).toBe(2);
});

test('one who asks takes no more than a share of what goes on', () => {
  using inquiries = createInquiries(() => new Promise(() => {}));
  const of = (about: string, identity: string): Question => ({
    ...question('copy', about),
    about,
    caller: { name: 'anna', identity },
  });
  inquiries.begin(of('one', 'anna 1'));
  inquiries.begin(of('two', 'anna 1'));
  expect(() => inquiries.begin(of('three', 'anna 1'))).toThrow('2 questions of yours go on already');
  inquiries.begin(of('three', 'berta 1'));
  expect(() => inquiries.begin(of('four', 'carla 1'))).toThrow('3 questions of this kind go on already');
});
