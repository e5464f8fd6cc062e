/** What an API lets its callers do. Times in milliseconds, sizes in bytes. */
export interface ApiLimits {
  /** Until the head of a request is complete, from the moment its first byte could have come. */
  readonly headersMs: number;
  /** Until a JSON body is complete. */
  readonly bodyMs: number;
  /** Longest silence while a body streams in. */
  readonly uploadSilenceMs: number;
  /** How long a connection without a request is kept. */
  readonly idleMs: number;
  /** How long a connection is kept on which nothing moves, not even an answer; 0: as long as the peer wants. */
  readonly silenceMs: number;
  readonly connections: number;
  /** Of them, those of one caller; 0: all. */
  readonly connectionsOfOne: number;
  readonly headerBytes: number;
  /** Of a body that no route announces. */
  readonly bodyBytes: number;
  /** Requests of one peer in a minute. */
  readonly requestsPerMinute: number;
  /** Requests of one peer in a minute without the token, malformed ones among them. */
  readonly refusedPerMinute: number;
}

export const defaultLimits: ApiLimits = {
  headersMs: 10_000,
  bodyMs: 30_000,
  uploadSilenceMs: 60_000,
  idleMs: 15_000,
  silenceMs: 0,
  connections: 512,
  connectionsOfOne: 0,
  headerBytes: 16_384,
  bodyBytes: 64 * 1024,
  // A peer that follows 100 jobs needs some 12 000.
  requestsPerMinute: 60_000,
  refusedPerMinute: 30,
};
