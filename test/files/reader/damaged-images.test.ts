import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder, type TemporaryFolder } from '../../host/temporary-folder.ts';
import { processesNaming } from '../../support/processes.ts';
import { numbersOf, seed } from '../../support/random.ts';
import { rounds } from '../../support/rounds.ts';
import { damaged } from '../fixtures/damaged.ts';
import type { Fixture } from '../fixtures/fixture.ts';
import { fixtures } from '../fixtures/fixtures.ts';
import { prepare } from '../fixtures/prepared.ts';
import { waitingReader } from '../reader-of.ts';
import { lookInto, type Looked } from './look-into.ts';

/** So many disks of different fixtures in one reader, because it takes seconds to start. */
const together = 4;
const count = rounds(8, 400);
const usable = fixtures.filter(({ long }) => !long);
const batches = Array.from({ length: Math.ceil(count / together) }, (_zero, batch) => {
  const random = numbersOf([seed, 'damaged images', batch]);
  const left = [...usable];
  return {
    batch,
    names: Array.from({ length: together }, () => left.splice(random.int(0, left.length), 1)[0]?.name ?? ''),
  };
});

const total = { images: 0, volumes: 0, damaged: 0, entries: 0, bytes: 0, refused: 0, gone: 0 };

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder();
  await prepare([...new Set(batches.flatMap(({ names }) => names))]);
}, 2_700_000);
afterAll(async () => {
  console.log(`damaged images: ${JSON.stringify(total)}; SEED=${seed} does the same again`);
  await folder[Symbol.asyncDispose]();
});

interface Damaged {
  readonly fixture: Fixture;
  readonly disks: readonly string[];
  readonly what: string;
}

/** One disk of each fixture has damage. */
async function damage(batch: number, names: readonly string[]): Promise<Damaged[]> {
  const random = numbersOf([seed, 'damage', batch]);
  const made: Damaged[] = [];
  for (const { fixture, disks } of await prepare(names)) {
    const numbers = [...disks.keys()];
    const chosen = numbers[random.int(0, numbers.length)];
    const files: string[] = [];
    let what = '';
    for (const [number, file] of disks) {
      const copy = number === chosen ? folder.file(`${batch}-${fixture.name}-${number}.raw`) : file;
      if (copy !== file) what = (await damaged(file, copy, random)).join('; ');
      files.push(copy);
    }
    made.push({ fixture, disks: files, what: `${fixture.name}: disk ${chosen}: ${what}` });
  }
  return made;
}

async function lookAt(all: readonly Damaged[]): Promise<Looked> {
  await using waiting = await waitingReader();
  const { reader, plug } = waiting;
  const passphrases = new Map<string, string>();
  let first = 0;
  for (const { fixture, disks } of all) {
    for (const { name, passphrase } of fixture.volumes)
      if (passphrase !== undefined) passphrases.set(name.replace('disk-0', `disk-${first}`), passphrase);
    first += disks.length;
  }
  return await lookInto(reader, () => plug(...all.flatMap(({ disks }) => disks)), passphrases);
}

async function digestOf(file: string): Promise<string> {
  const digest = createHash('sha256');
  for await (const piece of createReadStream(file, { highWaterMark: 2 ** 20 })) digest.update(piece as Buffer);
  return digest.digest('hex');
}

describe('a disk with damage is read as far as it can be, or refused in words, and nothing stays', () => {
  test.for(batches)('batch $batch: $names', { timeout: 1_800_000 }, async ({ batch, names }) => {
    const all = await damage(batch, names);
    const words = all.map(({ what }) => what).join('\n');
    const copies = all.flatMap(({ disks }) => disks).filter((file) => file.startsWith(folder.path));
    const before = await Promise.all(copies.map(digestOf));
    const seen = await lookAt(all);
    expect(seen.faults, words).toEqual([]);
    // One that takes the reader with it takes nothing else: the others are there without it.
    const alone: Looked[] = [];
    if (seen.gone !== null) for (const one of all) alone.push(await lookAt([one]));
    for (const [index, one] of alone.entries()) {
      expect(one.faults, all[index]?.what).toEqual([]);
      if (one.gone !== null) console.log(`gone: SEED=${seed} ${all[index]?.what}: ${one.gone}`);
    }
    expect(await Promise.all(copies.map(digestOf)), 'an image was changed').toEqual(before);
    expect(processesNaming(folder.path)).toEqual([]);
    for (const file of copies) await rm(file);
    for (const one of alone.length > 0 ? alone : [seen]) {
      total.volumes += one.volumes;
      total.damaged += one.damaged.length;
      total.entries += one.entries;
      total.bytes += one.bytes;
      total.refused += one.refused.length;
      total.gone += one.gone === null ? 0 : 1;
    }
    total.images += all.length;
    if (process.env['FIGURES']) console.log([words, JSON.stringify({ seen, alone }, null, 1)].join('\n'));
  });
});
