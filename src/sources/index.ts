import type { Settings, Source, VmMatch } from '../schemas/types.ts';
import { imageKind } from './image/image-kind.ts';
import type { SourceKind, SourceLogin, SourceSettings, SourceType, VmKey } from './source-kind.ts';
import { vsphereKind } from './vsphere/vsphere-kind.ts';

/** Every kind of source, as the hub sees it. A new one is added to the schemas, here, and to `src/node/sources/index.ts`. */
const kinds: { readonly [T in SourceType]: SourceKind<T> } = {
  image: imageKind,
  vsphere: vsphereKind,
};

/** A kind of source, for whoever does not know which. What it gets must be of that kind. */
export type AnyKind = SourceKind<SourceType>;

const kindsByType = kinds as unknown as Readonly<Record<SourceType, AnyKind>>;
export const allKinds: readonly AnyKind[] = Object.values(kindsByType);

export const kindOf = ({ type }: { readonly type: SourceType }): AnyKind => kindsByType[type];

/** The kind of what somebody wrote; undefined: there is no such kind. */
export const kindNamed = (type: unknown): AnyKind | undefined => allKinds.find((kind) => kind.type === type);

/** The kind of a source that a plan writes down itself; one without a type is the only kind for which that is possible. */
export function writtenKindOf({ type }: { readonly type?: unknown }): AnyKind | undefined {
  const possible = allKinds.filter(({ written }) => written !== null);
  return possible.find((kind) => kind.type === type) ?? (type === undefined ? possible[0] : undefined);
}

/** The source of sendense.yaml from which a spec was made, as it is now; undefined: there is none of this kind and name. */
export function settingsOf(spec: Source, settings: Settings): SourceSettings | undefined {
  const name = kindOf(spec).nameOf(spec);
  const found = name === null ? undefined : settings.sources[name];
  return found?.type === spec.type ? found : undefined;
}

export interface SourceWithLogin {
  readonly name: string;
  readonly settings: SourceSettings;
  readonly login: SourceLogin<SourceType>;
}

/** Sources of sendense.yaml that ask for a password. */
export const sourcesWithLogin = ({ sources }: Settings): SourceWithLogin[] =>
  Object.entries(sources).flatMap(([name, settings]) => {
    const { login } = kindOf(settings);
    return login ? [{ name, settings, login }] : [];
  });

/** What messages call the sources that ask for a password. */
export const loginTitle = (): string => allKinds.flatMap(({ login }) => login?.title ?? []).join(' or ');

/** Keys of a plan's `vm` that mean something for other kinds only. */
export const strangeVmKeys = (kind: AnyKind): VmKey[] => strange(kind.vmKeys, ({ vmKeys }) => vmKeys);

/** Keys of a group's entry that mean something for other kinds only. */
export const strangeMatchKeys = (kind: AnyKind): (keyof VmMatch)[] =>
  strange(kind.matchKeys, ({ matchKeys }) => matchKeys);

const strange = <K>(own: readonly K[], keysOf: (kind: AnyKind) => readonly K[]): K[] =>
  [...new Set(allKinds.flatMap(keysOf))].filter((key) => !own.includes(key));
