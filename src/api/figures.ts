import type { ErrorCode } from '../errors/catalogue.ts';

/** Counts what an API answers. */
export interface ApiFigures {
  /** @param answer.route the path as the route has it; `unknown` where there is none, so that labels are few */
  request(answer: {
    readonly method: string;
    readonly route: string;
    readonly status: number;
    readonly seconds: number;
  }): void;
  /** An error that a request was answered with. */
  error(code: ErrorCode): void;
}
