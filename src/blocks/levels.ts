import type { IndexFile } from './index-file.ts';

/** An index's own file, and those that it is built on. */
export type Levels = readonly [IndexFile, ...IndexFile[]];
