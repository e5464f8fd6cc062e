import { expect, test } from 'vitest';
import { secondOpinion } from './second-opinion.ts';

const health = { version: 1, api_version: 1 };
const about = (more: object) => ({
  method: 'GET',
  path: '/api/v1/vms/pg01?days=7',
  status: 404,
  type: 'application/json; charset=utf-8',
  body: { error: { code: 'vm.unknown', message: 'no VM', remedy: '', position: null }, field: null } as unknown,
  ...more,
});

test('an answer as the document has it is right', () => {
  expect(secondOpinion(about({}))).toEqual([]);
  expect(secondOpinion(about({ path: '/api/v1/elsewhere', body: 'anything' }))).toEqual([]);
});

test.each([
  ['a status that is not announced', { status: 418 }],
  ['another type', { type: 'text/html' }],
  ['a part that is missing', { body: { error: { code: 'vm.unknown' } } }],
  ['a part that is not announced', { body: { ...(about({}).body as object), secret: 'x' } }],
  ['a number for a word', { body: { error: { code: 1, message: '', remedy: '', position: null } } }],
  ['the answer of another route', { status: 200, body: health }],
])('%s is told', (_what, more) => {
  expect(secondOpinion(about(more)).join()).toContain('GET /api/v1/vms/pg01');
});
