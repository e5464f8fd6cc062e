import { readdir, readFile, writeFile, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { directoryTarget } from '../../src/targets/directory/directory-target.ts';
import type { TargetKind, TargetType, ToOf } from '../../src/targets/target-kind.ts';
import { kindNamed, kindOfTo, typedClaim } from '../../src/targets/index.ts';
import { MiB, workshop } from '../node/support.ts';
import { readBy7zip } from './read-by-7zip.ts';
import { rawDisk, restoredDisks } from './restored-disks.ts';
import { targetChecks, type TargetSubject } from './target-checks.ts';

const ways: readonly ToOf<'directory'>[] = [
  { directory: './out/deep', format: 'raw', subformat: 'monolithicSparse', thin: false },
  { directory: './out', format: 'qcow2', subformat: 'monolithicSparse', thin: false },
  { directory: './out', format: 'qcow2', subformat: 'monolithicSparse', thin: true },
  { directory: './out', format: 'vmdk', subformat: 'monolithicSparse', thin: false },
  { directory: './out', format: 'vmdk-stream', subformat: 'monolithicSparse', thin: false },
  { directory: './out', format: 'vhdx', subformat: 'monolithicSparse', thin: false },
];

async function directory(to: ToOf<'directory'>): Promise<TargetSubject<'directory'>> {
  const at = await workshop();
  const planFolder = at.path('plans');
  await mkdir(planFolder);
  const raw = [
    await rawDisk(at.path('a.raw'), 2 * MiB, [[65_536, 100_000]]),
    await rawDisk(at.path('b.raw'), MiB, [[0, 512]]),
  ];
  const { disks, contents, from } = await restoredDisks(at, raw);
  return {
    kind: directoryTarget as TargetKind<'directory', object, object>,
    request: { to, disks, from },
    planFolder,
    contents,
    mayHoldRepository: true,
    seen: async () => (await readdir(planFolder, { recursive: true })).toSorted(),
    occupy: async (written) => {
      const [file = ''] = written.map((one) => one.file);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, 'theirs');
      return async () => (await readFile(file, 'utf8')) === 'theirs';
    },
    [Symbol.asyncDispose]: () => at[Symbol.asyncDispose](),
  };
}

describe.each(ways)('a directory as a target ($format, thin: $thin)', (to) => {
  test.each(Object.entries(targetChecks))('%s', async (_title, check) => {
    await using subject = await directory(to);
    await check(subject as unknown as TargetSubject<TargetType>);
  });
});

test.each([
  ['vmdk-stream', 'vmdk'],
  ['vhdx', 'vhdx'],
] as const)('another program reads the same disks as %s', async (format, type) => {
  await using subject = await directory({ directory: './out', format, subformat: 'monolithicSparse', thin: false });
  const { request, planFolder, contents } = subject;
  const facts = { runId: 'run-1', stepId: 'write', planFolder };
  const { files } = await directoryTarget.write(request, directoryTarget.claim(request.to, request.disks, facts), {
    ...facts,
    signal: new AbortController().signal,
    log: () => undefined,
    progress: () => undefined,
    remember: () => undefined,
  });
  for (const [index, { temporary, disk }] of files.entries())
    expect((await readBy7zip(temporary, type)).equals(contents[index] ?? Buffer.alloc(0)), disk).toBe(true);
});

test('a kind is told by the key of its name, and claims of before by having none', () => {
  const [to] = ways;
  if (!to) throw new Error('there is a way');
  expect(kindOfTo(to)).toBe(kindNamed('directory'));
  const before = [{ disk: 'disk-0', temporary: '/a', file: '/b' }];
  expect(typedClaim(before)).toEqual({ target: 'directory', own: before });
  expect(typedClaim({ target: 'directory', own: before })).toEqual({ target: 'directory', own: before });
});

/** Members of the contract without which a value still fits it: there must be none. */
type Forgettable<Contract> = {
  [Member in keyof Contract]-?: Omit<Contract, Member> extends Contract ? Member : never;
}[keyof Contract];
type Forgotten = Forgettable<TargetKind<TargetType, object, object>>;
const forgettable: [Forgotten] extends [never] ? 'none' : Forgotten = 'none';

declare const forgetful: Omit<TargetKind<'directory', object, object>, 'undoWrite'>;
type Kinds = { readonly [T in TargetType]: TargetKind<T, object, object> };

declare const others: Omit<Kinds, 'directory'>;

/** Never called: it is here for the compiler. */
export const lists = (): unknown[] => [
  { ...others, directory: directoryTarget } satisfies Kinds,
  // @ts-expect-error the list lacks a kind
  others satisfies Kinds,
  // @ts-expect-error one member of one kind is missing
  { ...others, directory: forgetful } satisfies Kinds,
];

test('a kind of target has every member', () => expect(forgettable).toBe('none'));
