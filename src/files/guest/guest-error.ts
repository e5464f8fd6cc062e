import type { GuestErrorCode } from '../protocol.ts';

/** What the hub is told. */
export class GuestError extends Error {
  readonly code: GuestErrorCode;

  constructor(code: GuestErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
