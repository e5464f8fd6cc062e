import type { Settings, Source, VsphereSourceSpec } from '../../schemas/types.ts';

/** A source as the node gets it, where it is a vCenter or ESXi host; null: it is none. */
export const asVsphere = (source: Source): VsphereSourceSpec | null => (source.type === 'vsphere' ? source : null);

/** Names of the vCenters and ESXi hosts of sendense.yaml. */
export const vsphereNames = ({ sources }: Pick<Settings, 'sources'>): string[] =>
  Object.keys(sources).filter((name) => sources[name]?.type === 'vsphere');
