import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { RestoreRequest, RestoreRun } from '../target-kind.ts';
import type { DescribedVm } from './describe-vm.ts';
import { descriptorName, diskFileName, manifestName, nvramName } from './ova-names.ts';
import { ovfText, type OvfDisk } from './ovf-text.ts';
import { packDisk, vmdkCapacity } from '../pack-disk.ts';
import { createTar, memberSpan, putMember, type TarFacts, type TarFile } from './tar-file.ts';

export interface OvaWork {
  readonly request: RestoreRequest<'ova'>;
  readonly described: DescribedVm;
  /** Run folder of the servers that the disks are read by. */
  readonly folderId: string;
  readonly run: RestoreRun;
}

/**
 * Writes an OVA in one pass: descriptor, digests, disks, and what the firmware has stored. Sizes and digests of the disks stand before them,
 * so that their place is left free until they are known. The same restore point gives the same bytes. Durable when this returns.
 * @param path of a file that is not there yet
 */
export async function writeOva(path: string, work: OvaWork): Promise<void> {
  await using handle = await open(path, 'wx', 0o600);
  const { described, request } = work;
  const { name } = described.vm;
  const modified = Math.floor(request.from.point().created / 1000);
  const reserved = headSizes(work);
  const tar = createTar(handle, modified, memberSpan(reserved.descriptor) + memberSpan(reserved.manifest));
  const disks = await packDisks(tar, work);
  const nvram = described.nvram === null ? null : await tar.add(nvramName(name), described.nvram);
  await tar.end();

  const text = ovfText(described.vm, { disks: disks.map(({ ovf }) => ovf), nvram: nvram && fileOf(nvram) });
  const descriptor = filled(text, reserved.descriptor);
  const files = [
    { name: descriptorName(name), sha256: createHash('sha256').update(descriptor).digest('hex') },
    ...disks.map(({ facts }) => facts),
    ...(nvram === null ? [] : [nvram]),
  ];
  await putMember(handle, { name: descriptorName(name), bytes: descriptor, modified }, 0);
  const manifest = { name: manifestName(name), bytes: Buffer.from(manifestText(files)), modified };
  await putMember(handle, manifest, memberSpan(reserved.descriptor));
  await handle.sync();
}

/** As VMware writes it: that of OpenSSL. */
const manifestText = (files: readonly Pick<TarFacts, 'name' | 'sha256'>[]): string =>
  files.map(({ name, sha256 }) => `SHA256(${name})= ${sha256}\n`).join('');

const fileOf = ({ name, size }: TarFacts): { file: string; size: number } => ({ file: name, size });

/** Bytes that are left free for what comes first: as much as the largest numbers would take. */
function headSizes({ request, described: { vm, nvram } }: OvaWork): { descriptor: number; manifest: number } {
  const most = Number.MAX_SAFE_INTEGER;
  const disks = request.disks.map(({ disk }): OvfDisk => ({
    disk,
    file: diskFileName(vm.name, disk),
    size: most,
    capacity: most,
    populated: most,
  }));
  const files = { disks, nvram: nvram === null ? null : { file: nvramName(vm.name), size: most } };
  const sha256 = '0'.repeat(64);
  const names = [
    descriptorName(vm.name),
    ...disks.map(({ file }) => file),
    ...(nvram === null ? [] : [nvramName(vm.name)]),
  ];
  return {
    descriptor: Buffer.byteLength(ovfText(vm, files)),
    manifest: Buffer.byteLength(manifestText(names.map((name) => ({ name, sha256 })))),
  };
}

/** XML may end with any white space. */
function filled(text: string, length: number): Buffer {
  const bytes = Buffer.alloc(length, ' ');
  bytes.write('\n', length - 1, 'latin1');
  if (bytes.write(text, 'utf8') < Buffer.byteLength(text)) throw new SendenseError('run.internal', 'too little room');
  return bytes;
}

interface PackedDisk {
  readonly facts: TarFacts;
  readonly ovf: OvfDisk;
}

async function packDisks(tar: TarFile, { request, described, folderId, run }: OvaWork): Promise<PackedDisk[]> {
  const keys = await request.from.keys();
  const packed: PackedDisk[] = [];
  for (const disk of request.disks) {
    run.signal.throwIfAborted();
    const name = diskFileName(described.vm.name, disk.disk);
    const adapter = isOnIde(described, disk.disk) ? 'ide' : 'lsilogic';
    const part = tar.begin(name);
    const populated = await packDisk({ disk, name, adapter, key: keys.of(disk), folderId, run }, part.append);
    const facts = await part.end();
    packed.push({ facts, ovf: { disk: disk.disk, ...fileOf(facts), capacity: vmdkCapacity(disk), populated } });
  }
  return packed;
}

const isOnIde = ({ vm }: DescribedVm, wanted: string): boolean =>
  vm.controllers.some(({ model, disks }) => model === 'ide' && disks.some(({ disk }) => disk === wanted));
