import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/schemas/validator.ts';
import { examplesIn, renderExample } from './docs-examples.ts';

const examples = examplesIn(readFileSync(join(packageRoot, 'docs/retention.md'), 'utf8'));

describe('docs/retention.md', () => {
  it('has examples', () => expect(examples.length).toBeGreaterThan(5));

  it.each(examples)('says what the program does: %s', (example) => {
    expect(example).toBe(renderExample(example));
  });
});
