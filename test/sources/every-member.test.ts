import { expect, test } from 'vitest';
import type { Source, SourceLogin as NodeLogin, SourceTraces } from '../../src/node/sources/source.ts';
import { allKinds } from '../../src/sources/index.ts';
import type { SourceKind, SourceLogin, SourceType, SpecOf, WrittenKind } from '../../src/sources/source-kind.ts';

/** Members of a contract without which a value still fits it. There must be none: who forgets one would not be told. */
type Forgettable<Contract> = {
  [Member in keyof Contract]-?: Omit<Contract, Member> extends Contract ? Member : never;
}[keyof Contract];

type PerKind<T extends SourceType> =
  | Forgettable<SourceKind<T>>
  | Forgettable<SourceLogin<T>>
  | Forgettable<WrittenKind<T>>
  | Forgettable<Source<SpecOf<T>>>
  | Forgettable<NodeLogin<SpecOf<T>>>
  | Forgettable<SourceTraces<SpecOf<T>>>;

type OfAllKinds = { readonly [T in SourceType]: PerKind<T> }[SourceType];

/** Does not compile where a member could be forgotten. */
const forgettable: [OfAllKinds] extends [never] ? 'none' : OfAllKinds = 'none';

type Kinds = { readonly [T in SourceType]: SourceKind<T> };
declare const image: SourceKind<'image'>;
declare const others: Omit<Kinds, 'vsphere'>;
declare const forgetful: Omit<SourceKind<'vsphere'>, 'leaves'>;

/** Never called: it is here for the compiler. */
export const lists = (): unknown[] => [
  // @ts-expect-error a kind is missing
  others satisfies Kinds,
  // @ts-expect-error one member of one kind is missing
  { ...others, vsphere: forgetful } satisfies Kinds,
  // @ts-expect-error a kind under the name of another
  { ...others, vsphere: image } satisfies Kinds,
];

test('every kind has every member, and none can be left out', () => {
  expect(forgettable).toBe('none');
  const members = new Set(allKinds.flatMap((kind) => Object.keys(kind)));
  for (const kind of allKinds) expect(Object.keys(kind).toSorted(), kind.type).toEqual([...members].toSorted());
});
