/** What the node lets a caller do; `GET /api/v1/config` tells it. Times in milliseconds, sizes in bytes. */
export interface NodeLimits {
  /** Until the head of a request is complete, from the moment its first byte could have come. */
  readonly headersMs: number;
  /** Until a JSON body is complete. */
  readonly bodyMs: number;
  /** Longest silence while a block index streams in. */
  readonly uploadSilenceMs: number;
  /** How long a connection without a request is kept. */
  readonly idleMs: number;
  readonly connections: number;
  readonly headerBytes: number;
  /** Requests of one peer in a minute. A hub that follows 100 jobs needs some 12 000. */
  readonly requestsPerMinute: number;
  /** Requests of one peer in a minute without the token, malformed ones among them. */
  readonly refusedPerMinute: number;
}

export const defaultLimits: NodeLimits = {
  headersMs: 10_000,
  bodyMs: 30_000,
  uploadSilenceMs: 60_000,
  idleMs: 15_000,
  connections: 512,
  headerBytes: 16_384,
  requestsPerMinute: 60_000,
  refusedPerMinute: 30,
};
