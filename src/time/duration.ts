const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Longest duration that a timer of Node holds (2^31 - 1 ms) is 24.8 days. */
export const longestDuration = 24 * 86_400_000;

/** `90s` -> 90000 ms; undefined where the text is no duration. */
export function durationMs(text: unknown): number | undefined {
  const match = typeof text === 'string' ? /^([0-9]+)(ms|s|m|h|d)$/.exec(text) : null;
  return match ? Number(match[1]) * (units[match[2] ?? ''] ?? 0) : undefined;
}

/** The same of a text that a schema has let through; anything else is a programming error. */
export function parseDuration(text: string): number {
  const ms = durationMs(text);
  if (ms === undefined) throw new TypeError(`not a duration: ${text}`);
  return ms;
}
