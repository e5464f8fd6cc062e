import type { Source as SourceSpec } from '../../schemas/types.ts';
import { imageSource } from './image/image-source.ts';
import type { DiscoveredDisks, OpenOptions, OpenSource, Source } from './source.ts';

/** Every kind of source. A new one is added here and to `schemas/domain.json#/$defs/source`. */
const sources = { image: imageSource } as const satisfies {
  readonly [T in SourceSpec['type']]: Source<Extract<SourceSpec, { type: T }>>;
};

export const discover = (
  spec: SourceSpec,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<DiscoveredDisks> => sources[spec.type].discover(spec, options);

export const openSource = (spec: SourceSpec, options: OpenOptions): Promise<OpenSource> =>
  sources[spec.type].open(spec, options);
