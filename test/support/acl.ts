import { execFileSync } from 'node:child_process';

/** A user whom no machine of ours has. */
export const somebody = 54_321;

/**
 * What `setfacl -m u:54321:rw` does, which not every machine has: user::rw- user:54321:rw- group::r-- mask::rw- other::---.
 * As the kernel keeps it: version 2, then tag, permissions and id of each. Source: acl(5), linux/posix_acl_xattr.h.
 */
export function letSomebodyWrite(path: string): void {
  const entries = [
    [1, 6, -1],
    [2, 6, somebody],
    [4, 4, -1],
    [0x10, 6, -1],
    [0x20, 0, -1],
  ].map(([tag, may, id]) => `(${tag},${may},${id}&0xffffffff)`);
  const script = `import os,struct,sys;os.setxattr(sys.argv[1],'system.posix_acl_access',struct.pack('<I',2)+b''.join(struct.pack('<HHI',*e) for e in [${entries.join(',')}]))`;
  execFileSync('python3', ['-c', script, path]);
}
