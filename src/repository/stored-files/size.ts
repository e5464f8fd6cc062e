const units: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/** `2TiB`, or a number -> bytes. The schemas let only these forms through; anything else is a programming error. */
export function sizeBytes(size: number | string): number {
  if (typeof size === 'number') return size;
  const match = /^([0-9]+)(KiB|MiB|GiB|TiB)$/.exec(size);
  if (!match) throw new TypeError(`not a size: ${size}`);
  return Number(match[1]) * (units[match[2] ?? ''] ?? 0);
}

/** As a person reads it: `1.5 GiB`. */
export function sizeText(bytes: number): string {
  const unit = Object.entries(units)
    .toReversed()
    .find(([, size]) => Math.abs(bytes) >= size);
  return unit ? `${(bytes / unit[1]).toFixed(1)} ${unit[0]}` : `${bytes} bytes`;
}
