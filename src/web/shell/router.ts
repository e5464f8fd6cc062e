import { signal } from '@preact/signals';

/** Where the page is: the part of the address after the host. */
export interface Place {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly hash: string;
}

const here = (): Place => ({
  path: location.pathname,
  query: new URLSearchParams(location.search),
  hash: location.hash.slice(1),
});

/** The place that the page shows. */
export const place = signal<Place>(here());

/** Who is asked before the page shows another path. @returns whether it may */
type Guard = (to: string) => boolean;
let guard: Guard | null = null;

/** Asks before the reader leaves this path by a link, or back and forward. @returns the end of it */
export function guardPlace(own: Guard): () => void {
  guard = own;
  return () => {
    if (guard === own) guard = null;
  };
}

const mayLeave = (to: string): boolean =>
  guard === null || new URL(to, location.href).pathname === place.peek().path || guard(to);

/** Goes to a place of this page. `replace`: back does not come here again. `leave`: nobody is asked. */
export function go(to: string, options: { readonly replace?: boolean; readonly leave?: boolean } = {}): void {
  if (!options.replace && !options.leave && !mayLeave(to)) return;
  if (options.replace) history.replaceState(history.state, '', to);
  else history.pushState(null, '', to);
  place.value = here();
}

/** Back and forward have changed the address already. */
function followHistory(): void {
  const { path, query, hash } = place.peek();
  if (mayLeave(location.href)) place.value = here();
  else
    history.pushState(
      null,
      '',
      `${path}${query.size > 0 ? `?${query.toString()}` : ''}${hash === '' ? '' : `#${hash}`}`,
    );
}

/** Changes parts of the query of this place; null and the empty text take one away. Back does not come here again. */
export function setQuery(changes: Readonly<Record<string, string | null>>): void {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes))
    if (value === null || value === '') query.delete(name);
    else query.set(name, value);
  const text = query.toString();
  go(`${location.pathname}${text === '' ? '' : `?${text}`}${location.hash}`, { replace: true });
}

/** Follows links of this page without loading it anew, and the browser's back and forward. */
export function startRouter(): void {
  addEventListener('popstate', followHistory);
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element).closest('a');
    if (!link || link.target !== '' || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (link.pathname.startsWith('/api/') || link.getAttribute('href')?.startsWith('#') === true) return;
    event.preventDefault();
    go(link.href);
  });
}

/** What `{name}` of a pattern such as `/runs/{run}` stands for in a path, decoded; undefined where it does not fit. */
export function fit(pattern: string, path: string): Readonly<Record<string, string>> | undefined {
  const [wanted, given] = [pattern.split('/'), path.replace(/(.)\/$/, '$1').split('/')];
  if (wanted.length !== given.length) return undefined;
  const values: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const text = given[index] ?? '';
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name === undefined && part !== text) return undefined;
    if (name === undefined) continue;
    const decoded = decode(text);
    if (decoded === undefined || decoded === '') return undefined;
    values[name] = decoded;
  }
  return values;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
