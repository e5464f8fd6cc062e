import { statfs } from 'node:fs/promises';

/** Magic numbers of file systems that others can write to unseen, and whose times may be cached (statfs(2), linux/magic.h). */
const shared: ReadonlySet<number> = new Set([
  0x6969, // NFS
  0x517b, // SMB
  0xff534d42, // CIFS
  0xfe534d42, // SMB2
  0x65735546, // FUSE: sshfs and the like
  0x01021997, // 9P
  0x00c36400, // Ceph
  0x0bd00bd0, // Lustre
  0x01161970, // GFS2
  0x7461636f, // OCFS2
]);

/** Whether size and times of a file here can be trusted to show every write. */
export const isLocal = async (path: string): Promise<boolean> => !shared.has((await statfs(path)).type >>> 0);
