import type { BigIntStats, Stats } from 'node:fs';

/** What is there, in words for messages. */
export function kindOfFile(facts: Stats | BigIntStats): string {
  if (facts.isDirectory()) return 'a directory';
  if (facts.isFile()) return 'a file';
  if (facts.isFIFO()) return 'a pipe';
  if (facts.isSocket()) return 'a socket';
  return facts.isBlockDevice() ? 'a block device' : 'a character device';
}
