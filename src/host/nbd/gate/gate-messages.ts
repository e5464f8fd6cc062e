import type { GatePlace } from './listen.ts';

/** To the thread of the gates. */
export type GateOrder =
  | { readonly id: number; readonly open: GatePlace }
  | { readonly id: number; readonly close: string };

/** `code` is that of the system's error. */
export type GateAnswer = {
  readonly id: number;
  readonly error: { readonly code: string; readonly message: string } | null;
};
