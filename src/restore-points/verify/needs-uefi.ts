const sectorBytes = 512;
/** The protective MBR, the header of a GPT and its 128 entries. */
export const gptBytes = 34 * sectorBytes;

/** Types of partitions: UEFI specification, section 5.3.3; GRUB's manual, "BIOS installation". */
const efiSystem = 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b';
const biosBoot = '21686148-6449-6e6f-744e-656564454649';
/** Attribute of a partition that code in the MBR may start. */
const legacyBootable = 1n << 2n;
const entryBytes = 128;

/**
 * Whether UEFI alone can start a disk: it has an EFI system partition, and nothing that a BIOS would need.
 * @param start its first {@link gptBytes}, or all of a smaller one
 */
export function needsUefi(start: Buffer): boolean {
  const header = start.subarray(sectorBytes, 2 * sectorBytes);
  if (header.length < sectorBytes || header.toString('latin1', 0, 8) !== 'EFI PART') return false;
  // Where entries are larger or elsewhere than everybody puts them, nothing is said.
  if (header.readBigUInt64LE(72) !== 2n || header.readUInt32LE(84) !== entryBytes) return false;
  const types = new Set<string>();
  for (let at = 2 * sectorBytes; at + entryBytes <= start.length; at += entryBytes) {
    types.add(guid(start.subarray(at, at + 16)));
    if ((start.readBigUInt64LE(at + 48) & legacyBootable) !== 0n) return false;
  }
  return types.has(efiSystem) && !types.has(biosBoot);
}

/** Its first three fields are little-endian. */
function guid(bytes: Buffer): string {
  const turned = Buffer.concat([
    Buffer.from(bytes.subarray(0, 4)).swap32(),
    Buffer.from(bytes.subarray(4, 8)).swap16(),
    bytes.subarray(8),
  ]);
  return turned.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
