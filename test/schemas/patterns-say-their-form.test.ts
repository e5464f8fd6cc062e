/** Whoever writes a wrong text into a plan or into settings is told what form it has. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../schemas');
const files = [
  'common.json',
  'plan.json',
  'settings.json',
  'node-settings.json',
  ...readdirSync(join(root, 'plans')).map((name) => join('plans', name)),
];

function* patternsWithoutForm(node: unknown, path: string): Generator<string> {
  if (typeof node !== 'object' || node === null) return;
  const { pattern, description } = node as Record<string, unknown>;
  if (typeof pattern === 'string' && typeof description !== 'string') yield `${path}: ${pattern}`;
  for (const [key, child] of Object.entries(node)) yield* patternsWithoutForm(child, `${path}/${key}`);
}

test.each(files)('every pattern of %s has a description', (file) => {
  expect([...patternsWithoutForm(JSON.parse(readFileSync(join(root, file), 'utf8')), '')]).toEqual([]);
});
