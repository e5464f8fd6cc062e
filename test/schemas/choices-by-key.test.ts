import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { choicesByKey } from '../tools/choices-by-key.ts';

const directory = {
  type: 'object',
  properties: { directory: { type: 'string' }, format: { type: 'string', default: 'raw' } },
  required: ['directory'],
  additionalProperties: false,
};
const device = {
  type: 'object',
  properties: { device: { type: 'string' } },
  required: ['device'],
  additionalProperties: false,
};
const isTarget = new Ajv2020({ useDefaults: true, strict: true, strictRequired: false }).compile<object>(
  choicesByKey({ oneOf: [directory, device] }),
);

test('a choice that a key decides has the defaults of the alternative that is meant', () => {
  const to = { directory: 'out' };
  expect([isTarget(to), to]).toEqual([true, { directory: 'out', format: 'raw' }]);
  const other = { device: '/dev/sdx' };
  expect([isTarget(other), other]).toEqual([true, { device: '/dev/sdx' }]);
});

test.each([{}, { directory: 'out', device: '/dev/sdx' }, { device: '/dev/sdx', format: 'raw' }, { directory: 7 }, 'out'])(
  'it refuses %j as the choice would',
  (to) => expect(isTarget(to)).toBe(false),
);

test('a choice with a discriminator, without defaults, or without a key of its own stays as it is', () => {
  const same = { type: 'object', properties: { directory: { default: 'x' } }, required: ['directory'] };
  for (const schema of [
    { discriminator: { propertyName: 'type' }, oneOf: [directory, device] },
    { oneOf: [device, { type: 'string' }] },
    { oneOf: [directory, same] },
  ])
    expect(choicesByKey(schema)).toEqual(schema);
});
