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

/** Goes to a place of this page. `replace`: back does not come here again. */
export function go(to: string, options: { readonly replace?: boolean } = {}): void {
  if (options.replace) history.replaceState(history.state, '', to);
  else history.pushState(null, '', to);
  place.value = here();
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
  addEventListener('popstate', () => (place.value = here()));
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
