const units: Readonly<Record<string, number>> = { h: 1, d: 24, w: 7 * 24, m: 30 * 24, y: 365 * 24 };

/** A span of time of a plan (`$defs/age`: 36h, 30d, 2w, 6m, 1y) in milliseconds. @throws RangeError for what is none */
export function ageMs(text: string): number {
  const [, number, unit] = /^([0-9]{1,6})([hdwmy])$/.exec(text) ?? [];
  const hours = units[unit ?? ''];
  if (hours === undefined) throw new RangeError(`${text} is no span of time such as 36h or 30d`);
  return Number(number) * hours * 3_600_000;
}
