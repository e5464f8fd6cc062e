/** A long span as people say it: `45m`, `31h`, `5d`. Whole ones, rounded down; hours up to four days. */
export function formatAge(ms: number): string {
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)}m`;
  return ms < 4 * 86_400_000 ? `${Math.floor(ms / 3_600_000)}h` : `${Math.floor(ms / 86_400_000)}d`;
}
