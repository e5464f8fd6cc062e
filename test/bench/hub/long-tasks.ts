import type { Page } from 'playwright-core';

/** A script that keeps how long tasks take that take 50 ms or more. */
export const watchTasks = `window.tasks = [];
  new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => tasks.push(duration)))
    .observe({ entryTypes: ['longtask'] });`;

/** The longest task since the last time, ms; 0: none took 50 ms. */
export const longestTask = (at: Page): Promise<number> =>
  at.evaluate<number>('new Promise((told) => setTimeout(() => told(Math.max(0, ...window.tasks.splice(0))), 100))');
