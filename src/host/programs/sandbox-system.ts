import { realpathSync, statSync } from 'node:fs';

/** Words for bwrap: the system's programs and libraries, read-only, and nothing else of the system. Source: bwrap(1). */
export const systemWords = (): string[] =>
  [['--ro-bind', '/usr', '/usr'], systemLinks(), ['--ro-bind-try', '/etc/ld.so.cache', '/etc/ld.so.cache']].flat();

/** /bin and the like, as they are here: links into /usr, or folders. */
const systemLinks = (): string[] =>
  ['bin', 'sbin', 'lib', 'lib64'].flatMap((name) => {
    try {
      const target = realpathSync(`/${name}`);
      if (target.startsWith('/usr/')) return ['--symlink', target.slice(1), `/${name}`];
      return statSync(target).isDirectory() ? ['--ro-bind', target, `/${name}`] : [];
    } catch {
      return [];
    }
  });
