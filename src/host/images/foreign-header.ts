import type { Qcow2Header } from './qcow2-header.ts';

/** What QEMU makes for us, or leaves to `qemu-img check`: dirty, corrupt, compression type. */
const knownFeatures = 1n | 2n | 8n;

/**
 * Why an image of a repository must not be opened, by its header alone; null: it takes its content from itself and from one qcow2
 * beside it, as all of ours do. Another one may name any file of this machine, or a server: a restore would read it, a merge write
 * to it.
 * @returns what follows its name in a sentence
 */
export function foreignHeader(header: Qcow2Header | undefined): string | null {
  if (!header) return 'is not a qcow2 file';
  const { backing, backingFormat } = header;
  if (header.externalData) return 'has its data in another file';
  const strange = header.incompatibleFeatures & ~knownFeatures;
  if (strange !== 0n) return `has qcow2 features that Sendense does not use (0x${strange.toString(16)})`;
  if (header.oldEncryption) return 'is encrypted in a way that Sendense does not use';
  if (backing === null) return null;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(backing))
    return `is built on ${JSON.stringify(backing)}, which is not a file beside it`;
  return backingFormat === 'qcow2'
    ? null
    : `is built on ${backing} of format ${backingFormat === null ? 'unknown' : JSON.stringify(backingFormat)}, which has to be qcow2`;
}
