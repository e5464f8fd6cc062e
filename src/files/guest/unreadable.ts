import { mostUnreadable } from '../protocol.ts';

/** What could not be read of an answer, a line each; of many the first ones. */
export class Unreadable {
  readonly lines: string[] = [];

  /** @param path its bytes, put together only if it is told */
  add(path: () => Buffer, why: string): void {
    if (this.lines.length < mostUnreadable) this.lines.push(`${shortened(path())}: ${why}`);
  }
}

const shownBytes = 512;

/** Of many that cannot be read, all have to fit into one answer. */
const shortened = (path: Buffer): string =>
  path.length <= shownBytes ? path.toString() : `…${path.subarray(-shownBytes).toString()}`;
