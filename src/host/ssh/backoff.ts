const firstMs = 500;
/** Well below the time that a link may be broken without failing a backup (60 s, unless the settings say otherwise). */
const mostMs = 10_000;

/** How long to wait after the `failures`-th failure in a row (from 1), ms: doubled each time, and a random part of up to half less, so that many do not come at once. */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const whole = Math.min(firstMs * 2 ** (failures - 1), mostMs);
  return Math.round(whole * (1 - random() / 2));
}

/** After an error that will not go away by itself. */
export const slowRetryMs = 30_000;
