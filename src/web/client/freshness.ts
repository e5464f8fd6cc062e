import { signal } from '@preact/signals';

/** How the page hears of changes: by events, by asking again and again, or not at all. */
export type Way = 'events' | 'polling' | 'silent';

/** How the page hears of changes now. */
export const way = signal<Way>('polling');
/** When the hub answered last, ms since the epoch; null: never. */
export const heard = signal<number | null>(null);
/** Since when the hub does not answer; null: it does. */
export const silentSince = signal<number | null>(null);

export function hubAnswered(): void {
  heard.value = Date.now();
  silentSince.value = null;
  if (way.peek() === 'silent') way.value = 'polling';
}

export function hubSilent(): void {
  silentSince.value ??= heard.peek() ?? Date.now();
  way.value = 'silent';
}
