import { SendenseError } from '../errors/sendense-error.ts';
import { attachKvmTarget } from './attach-kvm/attach-kvm-target.ts';
import { attachTarget } from './attach/attach-target.ts';
import { deviceTarget } from './device/device-target.ts';
import { directoryTarget } from './directory/directory-target.ts';
import { ovaTarget } from './ova/ova-target.ts';
import { inPlaceTarget } from './in-place/in-place-target.ts';
import { kvmTarget } from './kvm/kvm-target.ts';
import { noHub, type TargetHub } from './target-hub.ts';
import type { TargetKind, TargetType, To } from './target-kind.ts';
import { vsphereTarget } from './vsphere/vsphere-target.ts';

/** Every kind of target. A new one is added to the schemas, here, and to `src/plan/checks/check-target.ts`. */
const kinds: { readonly [T in TargetType]: (hub: TargetHub) => TargetKind<T, object, object> } = {
  directory: () => directoryTarget,
  device: () => deviceTarget,
  ova: () => ovaTarget,
  kvm: () => kvmTarget,
  vsphere: vsphereTarget,
  inPlace: inPlaceTarget,
  attach: attachTarget,
  attachKvm: () => attachKvmTarget,
};

/** A kind of target, for whoever does not know which. What it gets must be of that kind. */
export type AnyTarget = TargetKind<TargetType, object, object>;

/** What a plan can say, as long as each part of it bears the key of a kind. */
type KnownTo = Extract<To, { [T in TargetType]: Readonly<Record<T, unknown>> }[TargetType]>;

/** The kind of what stands in a plan's `to`. Compiles as long as there is a kind for all that can stand there. */
export function kindOfTo(to: [To] extends [KnownTo] ? To : never, hub: TargetHub = noHub): AnyTarget {
  const found = types.find((type) => type in to);
  if (found) return kindNamed(found, hub);
  throw new SendenseError('run.internal', 'there is no kind of target for what the plan says');
}

/** @param hub what it acts with; without one it only claims */
export const kindNamed = (type: TargetType, hub: TargetHub = noHub): AnyTarget => kinds[type](hub);

const types = Object.keys(kinds) as TargetType[];

/** How files are taken to a kind of target. @throws SendenseError `plan.invalid` where it takes whole disks only */
export function filesOf({ type, files }: AnyTarget): NonNullable<AnyTarget['files']> {
  if (files !== null) return files;
  throw new SendenseError('plan.invalid', `files cannot go to a target of kind ${type}: it takes whole disks`, {
    remedy: 'Write `to: { directory: FOLDER }`, or remove `files`.',
  });
}

/** A claim with the type of its target. */
export interface TypedClaim {
  readonly target: TargetType;
  readonly own: object;
}

/** Journals of versions that knew directories only have claims without a type. */
export const typedClaim = (claim: TypedClaim | object): TypedClaim =>
  'target' in claim && 'own' in claim ? claim : { target: 'directory', own: claim };
