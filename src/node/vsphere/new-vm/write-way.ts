import { SendenseError } from '../../../errors/sendense-error.ts';
import { missingPrivileges } from '../privileges.ts';
import { importPrivilege } from '../restore-privileges.ts';
import { withoutFiles } from '../transports/assert-readable-flat.ts';
import { firstTransport, reasonOf, type TransportChoice } from '../transports/choose-transport.ts';
import { checkSshForWriting } from '../transports/ssh.ts';
import type { TransportContext, TransportName } from '../transports/transport.ts';
import { checkVddkForWriting } from '../transports/vddk.ts';
import type { Vsphere } from '../vsphere.ts';
import type { Place, WantedPlace } from './place.ts';
import type { WantedDisk } from './wanted-disks.ts';

/** How the disks of a new VM are written. The names are those of the transports that read. */
export type WriteWay = TransportChoice;

export interface ToWrite {
  readonly place: Place;
  readonly wanted: WantedPlace;
  readonly disks: readonly WantedDisk[];
  /** Bytes that hold data, by the key of the disk. */
  readonly used: ReadonlyMap<number, number>;
}

/** A stream of a VMDK counts its sectors in 32 bits. */
const longestStream = 512 * 2 ** 32;

/**
 * The first transport of the source by which the disks can be written.
 * @throws SendenseError `transport.unavailable` with what each lacks
 */
export function chooseWriteWay(
  vsphere: Vsphere,
  context: Pick<TransportContext, 'spec' | 'signal'>,
  { place, wanted, disks, used }: ToWrite,
): Promise<WriteWay> {
  const checks: { readonly [T in TransportName]: () => Promise<string> } = {
    vddk: () => checkVddkForWriting(context),
    https: async () => {
      // A VM of its own brings the disk, into its own folder.
      if (wanted.files && wanted.files.size > 0)
        throw new SendenseError('transport.unavailable', 'an import chooses the files of the disks itself');
      const large = disks.find(({ key, bytes }) => (used.get(key) ?? bytes) > longestStream);
      if (large)
        throw new SendenseError('transport.unsafe', `${large.label} has more data than a VMDK stream can hold (2 TiB)`);
      await assertMayImport(vsphere, place, context.signal);
      return `${vsphere.host} takes imports${context.spec.vddk === null ? ', and the source has no `vddk`' : ''}`;
    },
    ssh: async () => {
      const names = new Set([wanted.datastore, ...wanted.disks.values()]);
      const store = place.datastores.find(({ name, type }) => names.has(name) && withoutFiles.test(type ?? ''));
      if (store)
        throw new SendenseError(
          'transport.unsafe',
          `the datastore ${store.name} is of the type ${store.type}, which holds no disk files`,
        );
      return checkSshForWriting(context);
    },
  };
  return firstTransport(context, 'write', (name) => checks[name]());
}

async function assertMayImport(vsphere: Vsphere, { pool, folder }: Place, signal?: AbortSignal): Promise<void> {
  const { user, missing } = await missingPrivileges(vsphere, [pool, folder], [importPrivilege], signal);
  if (missing.size === 0) return;
  const { privilege, why } = importPrivilege;
  throw new SendenseError(
    'vsphere.permission',
    `the user ${user} lacks ${privilege} (${why}) on the folder or the resource pool`,
    { remedy: 'Give the user the role for restores of docs/vsphere.md.' },
  );
}

const words: { readonly [T in TransportName]: string } = {
  vddk: 'VDDK',
  https: 'an import lease over HTTPS',
  ssh: 'SSH',
};

/** `the disks go by VDDK, because …` */
export const saidOf = (way: WriteWay): string => `the disks go by ${words[way.name]}, because ${reasonOf(way)}`;
