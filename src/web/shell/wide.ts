import { signal } from '@preact/signals';

/** Width of the window, in steps at which more fits: 0 a phone, 1 a screen, 2 a large screen. */
export const wide = signal<0 | 1 | 2>(0);

const steps = [matchMedia('(width >= 45rem)'), matchMedia('(width >= 105rem)')] as const;
const measure = (): void => void (wide.value = steps[1].matches ? 2 : steps[0].matches ? 1 : 0);
for (const step of steps) step.addEventListener('change', measure);
measure();
