import type { FileHandle } from 'node:fs/promises';

export interface Sniffed {
  /** As qemu names it; `raw` where nothing is recognised. */
  readonly format: string;
  /** The header can make a reader open further files: backing file, data file, extents. */
  readonly refersToFiles: boolean;
}

/**
 * What the first bytes look like. Reads them itself: probing with qemu would already open what a header names.
 * Source of the signatures: the *_probe functions of QEMU's block drivers.
 */
export async function sniffFormat(handle: FileHandle): Promise<Sniffed> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(1024), 0, 1024, 0);
  const head = buffer.subarray(0, bytesRead);
  const starts = (text: string, at = 0): boolean =>
    head.subarray(at, at + text.length).equals(Buffer.from(text, 'latin1'));
  if (starts('QFI\xfb')) return { format: 'qcow2', refersToFiles: qcow2RefersToFiles(head) };
  // A sparse VMDK may hold a descriptor that names other files, so every VMDK counts as one that does.
  if (starts('KDMV') || starts('COWD') || isVmdkDescriptor(head)) return { format: 'vmdk', refersToFiles: true };
  if (starts('vhdxfile')) return { format: 'vhdx', refersToFiles: false };
  if (starts('\x7f\x10\xda\xbe', 0x40)) return { format: 'vdi', refersToFiles: false };
  if (starts('conectix')) return { format: 'vpc', refersToFiles: false };
  if (starts('QED\0')) return { format: 'qed', refersToFiles: true };
  if (starts('WithoutFreeSpace') || starts('WithouFreSpacExt')) return { format: 'parallels', refersToFiles: false };
  return { format: 'raw', refersToFiles: false };
}

/** Source: QEMU docs/interop/qcow2.txt: backing file offset at byte 8, incompatible feature bit 2 (data file) at 72. */
function qcow2RefersToFiles(head: Buffer): boolean {
  if (head.length < 80) return false;
  if (head.readBigUInt64BE(8) !== 0n) return true;
  return head.readUInt32BE(4) >= 3 && (head.readBigUInt64BE(72) & 4n) !== 0n;
}

/** Comments and blank lines, then `version=`: what QEMU's vmdk_probe takes for a descriptor. */
const isVmdkDescriptor = (head: Buffer): boolean =>
  /^(?:#[^\n]*\n|[ \t]*\r?\n)*(?:version=[123]\r?\n)/.test(head.toString('latin1')) ||
  /^# Disk DescriptorFile/i.test(head.toString('latin1'));
