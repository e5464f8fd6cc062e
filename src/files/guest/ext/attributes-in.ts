// Source: the kernel's Documentation/filesystems/ext4, "Extended Attributes".
const magic = 0xea020000;
const entryBytes = 16;
const blockHeadBytes = 32;

/** What names begin with, by their number. */
const prefixes: Readonly<Record<number, string>> = {
  1: 'user.',
  2: 'system.posix_acl_access',
  3: 'system.posix_acl_default',
  4: 'trusted.',
  6: 'security.',
  7: 'system.',
};

/** The content of a small file, which ext4 keeps where attributes are. */
const content = 'system.data';

/**
 * Extended attributes that an inode has in itself, or in a block of their own, as programs get them. One whose value is a file of the
 * file system is left out.
 */
export function attributesIn(area: Buffer, where: 'inode' | 'block', found: Map<string, Buffer>): void {
  if (area.length < 4 || area.readUInt32LE(0) !== magic) return;
  const first = where === 'inode' ? 4 : blockHeadBytes;
  const values = where === 'inode' ? 4 : 0;
  for (let at = first; at + entryBytes <= area.length && area.readUInt32LE(at) !== 0;) {
    const nameBytes = area[at] ?? 0;
    const prefix = prefixes[area[at + 1] ?? 0];
    const offset = values + area.readUInt16LE(at + 2);
    const isElsewhere = area.readUInt32LE(at + 4) !== 0;
    const bytes = area.readUInt32LE(at + 8);
    const name = area.toString('utf8', at + entryBytes, at + entryBytes + nameBytes);
    at += (entryBytes + nameBytes + 3) & ~3;
    if (prefix === undefined || isElsewhere || offset + bytes > area.length || `${prefix}${name}` === content) continue;
    const value = Buffer.from(area.subarray(offset, offset + bytes));
    found.set(`${prefix}${name}`, prefix.includes('acl') ? accessList(value) : value);
  }
}

const versions = { onDisk: 1, asAttribute: 2 } as const;
const noId = 0xffffffff;
/** Entries for one user or group have its id. Source: acl(5), the kernel's linux/posix_acl_xattr.h and fs/ext4/acl.h. */
const withId = new Set([0x02, 0x08]);

/** An access control list in the form of the attribute, from that on the disk. */
function accessList(disk: Buffer): Buffer {
  if (disk.length < 4 || disk.readUInt32LE(0) !== versions.onDisk) return disk;
  const head = Buffer.alloc(4);
  head.writeUInt32LE(versions.asAttribute);
  const entries = [head];
  for (let at = 4; at + 4 <= disk.length;) {
    const entry = Buffer.alloc(8);
    disk.copy(entry, 0, at, at + 4);
    const hasId = withId.has(disk.readUInt16LE(at)) && at + 8 <= disk.length;
    entry.writeUInt32LE(hasId ? disk.readUInt32LE(at + 4) : noId, 4);
    entries.push(entry);
    at += hasId ? 8 : 4;
  }
  return Buffer.concat(entries);
}
