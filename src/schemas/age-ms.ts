const units: Readonly<Record<string, number>> = { h: 1, d: 24, w: 7 * 24, mo: 30 * 24, y: 365 * 24 };

/**
 * What is to be written in place of a number and `m`, which meant months in spans of time and means minutes in durations:
 * neither is taken for the other. Null: the text is none of those.
 */
export function monthsNotMinutes(text: string): string | null {
  const [, number] = /^([0-9]{1,6})m$/i.exec(text) ?? [];
  if (number === undefined) return null;
  const hours = Math.max(1, Math.ceil(Number(number) / 60));
  return `Months are mo: write ${number}mo. m is minutes, and there are none here: write ${hours}h for that long.`;
}

/** A span of time of a plan (`$defs/age`: 36h, 30d, 2w, 6mo, 1y) in milliseconds. @throws RangeError for what is none */
export function ageMs(text: string): number {
  const [, number, unit] = /^([0-9]{1,6})(h|d|w|mo|y)$/.exec(text) ?? [];
  const hours = units[unit ?? ''];
  if (hours === undefined) throw new RangeError(`${text} is no span of time such as 36h or 30d`);
  return Number(number) * hours * 3_600_000;
}
