import { beforeAll, describe, test } from 'vitest';
import { prepare } from '../fixtures/prepared.ts';
import { readerOf, type Shown } from './reader-of-fixtures.ts';
import { hasAllFiles, hasVolumes } from './same-as-manifest.ts';
import { together } from './together.ts';

const making = 2_700_000;
const reading = 300_000;

describe.each(together().map((names) => ({ names, title: names.join(', ') })))('$title', ({ names }) => {
  const stack = new AsyncDisposableStack();
  let opened: Awaited<ReturnType<typeof readerOf>>;
  beforeAll(async () => {
    await prepare(names);
    opened = await readerOf(names, stack, 'uml');
    return () => stack.disposeAsync();
  }, making);

  const of = (name: string): Shown => opened.shown.find(({ prepared }) => prepared.fixture.name === name)!;

  test.each(names)('%s has the volumes that it was given', { timeout: reading }, async (name) => {
    await hasVolumes(opened.reader, opened.volumes, of(name));
  });

  test.each(names)('%s has the files that were put on it', { timeout: reading }, async (name) => {
    await hasAllFiles(opened.reader, of(name));
  });
});
