import type { Route } from './route.ts';

/** Which methods the routes have at a path, for `Allow` (RFC 9110, 15.5.6). @param head where HEAD is answered as GET is */
export function methodsOf(
  routes: readonly Pick<Route<never, never>, 'method' | 'path'>[],
  head: boolean,
): (path: string) => readonly string[] {
  const known = routes.map(({ method, path }) => ({
    method,
    pattern: new RegExp(`^${path.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
  }));
  return (path) => {
    const found = new Set<string>(known.flatMap(({ method, pattern }) => (pattern.test(path) ? [method] : [])));
    if (head && found.has('GET')) found.add('HEAD');
    return [...found].toSorted();
  };
}
