const windowMs = 5000;

export interface Rate {
  /** @returns bytes per second over the last seconds */
  at(now: number, bytesDone: number): number;
  reset(): void;
}

/** A moving average over {@link windowMs}. `now` in milliseconds of a clock that never goes back. */
export function createRate(): Rate {
  let samples: { now: number; bytesDone: number }[] = [];
  return {
    at: (now, bytesDone) => {
      samples = [...samples.filter((sample) => now - sample.now <= windowMs), { now, bytesDone }];
      const first = samples[0];
      if (!first || now <= first.now) return 0;
      return Math.max(0, Math.round(((bytesDone - first.bytesDone) * 1000) / (now - first.now)));
    },
    reset: () => (samples = []),
  };
}
