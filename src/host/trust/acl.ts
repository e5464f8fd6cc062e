import { execFileSync } from 'node:child_process';

/**
 * Whether an access control list says more than the mode of a file: then the bits of the group are the most that users have whom it names,
 * and not what the group has. Node cannot ask; `ls` of coreutils shows a `+`. Where it cannot tell, in doubt there is one. Source: acl(5).
 */
export function hasAcl(path: string): boolean {
  // For another process, what is open here has another name.
  const asked = path.replace(/^\/proc\/self\//, `/proc/${process.pid}/`);
  try {
    const line = execFileSync('ls', ['-ldL', '--', asked], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return line[10] === '+';
  } catch {
    return true;
  }
}
