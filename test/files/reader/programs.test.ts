import { beforeAll, describe, expect, test } from 'vitest';
import type { Volume as Told } from '../fixtures/fixture.ts';
import { fixtures } from '../fixtures/fixtures.ts';
import { prepare } from '../fixtures/prepared.ts';
import { readerOf } from './reader-of-fixtures.ts';
import { hasFiles, idOf, isVolume } from './same-as-manifest.ts';

const making = 2_700_000;
const reading = 300_000;

/** What its programs open. */
const read: readonly Told['holds'][] = ['ext2', 'ext3', 'ext4', 'ntfs'];
/** What no program and no kernel here reads, so that both say the same of it. */
const neverRead: readonly Told['holds'][] = ['swap', 'BitLocker', 'nothing'];

/** A reader has room for eight disks. */
function groups(): string[][] {
  const made: string[][] = [];
  let room = 0;
  for (const { name, disks } of fixtures.filter(({ long }) => !long)) {
    if (disks.length > room) {
      made.push([]);
      room = 8;
    }
    made.at(-1)?.push(name);
    room -= disks.length;
  }
  return made;
}

describe.each(groups().map((names) => ({ names, title: names.join(', ') })))('$title', ({ names }) => {
  const stack = new AsyncDisposableStack();
  let opened: Awaited<ReturnType<typeof readerOf>>;
  beforeAll(async () => {
    await prepare(names);
    opened = await readerOf(names, stack, 'programs');
    return () => stack.disposeAsync();
  }, making);

  test.each(names)('%s: what is read is exact, and what is not says why', { timeout: reading }, async (name) => {
    const { reader, shown, volumes } = opened;
    const { prepared, first } = shown.find((one) => one.prepared.fixture.name === name)!;
    const told = prepared.fixture.volumes;
    // What only a kernel makes devices of is not there.
    const there = told.filter(({ name: volume }) => /^disk-\d+(?:p\d+)?$/.test(volume));
    for (const one of there) {
      const id = idOf(one.name, first);
      if (read.includes(one.holds) || neverRead.includes(one.holds)) {
        await isVolume(reader, volumes, one, { told: [one], first });
        if (one.state === 'readable') await hasFiles(reader, id, one, await prepared.manifest(one.name));
      } else {
        const seen = await reader.ask('open', { volume: id });
        expect(seen).toMatchObject({ type: one.holds, state: 'unsupported' });
        expect(seen.why).toMatch(/takes a kernel; the reader `uml` can: apt install user-mode-linux/);
      }
    }
  });
});
