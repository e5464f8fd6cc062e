import { setFlagsFromString } from 'node:v8';

/**
 * For programs that run for long and make garbage that lives for a moment: it is freed soon, in place of taking 50 to 90 MB
 * (docs/performance.md). Call it early: V8 does not give back what it has taken.
 */
export function keepMemorySmall(): void {
  for (const flag of ['--semi-space-growth-factor=1', '--heap-growing-percent=20']) setFlagsFromString(flag);
}
