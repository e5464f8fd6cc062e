import type { ReaderKind } from './kind.ts';
import { programs } from './programs.ts';
import { userModeLinux } from './user-mode-linux.ts';

/** All ways to read, the best one first. */
export const readerKinds: readonly ReaderKind[] = [userModeLinux, programs];
