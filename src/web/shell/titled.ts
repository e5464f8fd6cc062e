import { useEffect } from 'preact/hooks';

/** The name of what a screen shows, in the title of the window: `failed · run pgtest1-nightly`. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title === '' ? 'Sendense' : `${title} · Sendense`;
  }, [title]);
}
