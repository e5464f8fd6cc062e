/** A figure beside what the project wants. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The most, or with `least` the least, that it may be; missing: it has no goal. */
  readonly goal?: number;
  readonly least?: boolean;
}

/** Prints figures beside their goals. */
export function printFigures(title: string, figures: readonly Figure[]): void {
  const width = Math.max(...figures.map(({ name }) => name.length));
  console.log(`\n${title}`);
  for (const { name, value, unit, goal, least } of figures) {
    const shown = `${value >= 100 ? value.toFixed(0) : value.toFixed(2)} ${unit}`;
    if (goal === undefined) console.log(`  ${name.padEnd(width)}  ${shown.padStart(14)}`);
    else {
      const met = least ? value >= goal : value <= goal;
      console.log(
        `  ${name.padEnd(width)}  ${shown.padStart(14)}   goal: ${least ? 'at least' : 'at most'} ${goal} ${unit}${met ? '' : '   MISSED'}`,
      );
    }
  }
}
