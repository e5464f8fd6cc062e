import type { AttachedDisk, AttachedOutput, DetachOutput } from '../../schemas/types.ts';

/** Where a VM is that has attached disks. */
export interface VspherePlace {
  readonly kind: 'vsphere';
  /** Of sendense.yaml. */
  readonly source: string;
  /** Default: the embedded one. */
  readonly node?: string | undefined;
  /** Stored credential; default: that of the source. */
  readonly credential?: string | undefined;
}

export interface KvmPlace {
  readonly kind: 'kvm';
  /** Where libvirt answers; default: qemu:///system. */
  readonly libvirt?: string | undefined;
}

export type AttachPlace = VspherePlace | KvmPlace;
export type PlaceKind = AttachPlace['kind'];

export interface AttachedRequest<P extends AttachPlace = AttachPlace> {
  readonly place: P;
  /** Name, inventory path or managed object id; in KVM name or uuid. Absent: all VMs. */
  readonly vm?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface DetachingRequest<P extends AttachPlace = AttachPlace> {
  readonly place: P;
  /** All of one VM. */
  readonly disks: readonly Pick<AttachedDisk, 'id' | 'moref'>[];
  /** Of disks that are not what their marks say, the marks go and the disks stay. */
  readonly forget?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Disks of restore points that are attached to VMs. */
export interface Attached<P extends AttachPlace = AttachPlace> {
  /** @throws SendenseError `source.missing`, `node.*`, `vsphere.*`; `target.unfit` where libvirt does not answer */
  list(request: AttachedRequest<P>): Promise<AttachedOutput>;
  /** Takes disks off and removes their files, all of them or none. @throws SendenseError `target.unfit`, `target.busy`, `node.*`, `vsphere.*` */
  detach(request: DetachingRequest<P>): Promise<DetachOutput>;
}

/** What there is of each kind. */
export type ByPlace = { readonly [K in PlaceKind]: Attached<Extract<AttachPlace, { readonly kind: K }>> };

/** Each request goes to the kind of its place. */
export const attachedBy = (kinds: ByPlace): Attached => ({
  list: (request) => (kinds[request.place.kind] as Attached).list(request),
  detach: (request) => (kinds[request.place.kind] as Attached).detach(request),
});
