import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { shellWord } from '../../src/view/text.ts';

test.each(['/srv/restore/disk-0.qcow2', 'a b', "it's", '$(touch x)', '`id`', 'x;y', '"', '*', 'ü', '-n'])(
  '%s is one word of a shell',
  (word) => {
    expect(execFileSync('sh', ['-c', `printf '%s' ${shellWord(word)}`], { encoding: 'utf8' })).toBe(word);
  },
);
