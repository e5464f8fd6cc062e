import { widthOf } from '../text.ts';

/**
 * A terminal that becomes narrower breaks the lines that stand on it into more rows than were written. The escape codes
 * that remove those additional rows, from the row below the last line upwards, so that what is drawn next finds what it drew.
 * @param lines as they were drawn, at most `from` columns wide
 */
export function eraseReflowed(lines: readonly string[], from: number, to: number): string {
  if (to >= from) return '';
  const rows = lines.map((line) => Math.ceil(Math.min(widthOf(line), from) / to));
  const additional = rows.reduce((sum, count) => sum + Math.max(0, count - 1), 0);
  return '\u001b[2K\u001b[1A'.repeat(additional);
}
