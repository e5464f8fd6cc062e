import addFormats from 'ajv-formats';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bundledSchema, schemaNames } from '../../src/plan/bundled-schema.ts';
import { planKinds } from '../../src/plan/diagnostics/schema-node.ts';
import { schemaOf, validatorOf } from '../../src/schemas/validator.ts';
import { changedValue, jsonText } from '../fuzz/hostile-json.ts';
import { soundValue } from '../fuzz/sound-value.ts';
import { rounds } from '../support/rounds.ts';

/** As somebody else's program would read it: `discriminator` means nothing to it, and it says all that is wrong. */
function otherValidator(name: string): ValidateFunction {
  const ajv = new Ajv2020({ allErrors: true, strict: true, strictTypes: false, strictRequired: false });
  (addFormats as unknown as (target: Ajv2020) => void)(ajv);
  return ajv.compile(bundledSchema(name));
}

/** `/vm/name type`: where, and which rule; without that of the `if` around it, which says that its `then` was broken. */
function said(validate: ValidateFunction, value: unknown): string[] {
  validate(value);
  const told = (validate.errors ?? []).filter(({ keyword }) => keyword !== 'if');
  return [...new Set(told.map((error) => `${error.instancePath} ${error.keyword}${keyIn(error)}`))];
}

const keyIn = ({ params }: ErrorObject): string => {
  const key: unknown = params['additionalProperty'] ?? params['missingProperty'];
  return typeof key === 'string' ? ` ${key}` : '';
};

type Value = Record<string, unknown>;

describe.each(schemaNames())('the schema %s', (name) => {
  // yaml-language-server 1.19 and 2.0 follow no other reference.
  it('is complete in itself: every reference is a pointer into it, and no part has an $id', () => {
    const schema = bundledSchema(name);
    const text = JSON.stringify(schema);
    expect(text).not.toContain('"$id":');
    const references = [...text.matchAll(/"\$ref":"([^"]*)"/g)].map(([, reference]) => reference ?? '');
    for (const reference of new Set(references)) expect(standsIn(schema, reference), reference).toBe(true);
  });
});

function standsIn(schema: unknown, reference: string): boolean {
  const [, ...keys] = reference.split('/');
  if (!/^#(?:\/|$)/.test(reference)) return false;
  return keys.reduce<unknown>((value, key) => (value as Value | undefined)?.[key], schema) !== undefined;
}

describe('the schema of plans, in another validator', () => {
  const validate = otherValidator('plan');
  const secret = { secret: { file: 'a' } };
  const command = { run: ['true'], env: { A: secret } };
  const source = { type: 'image', disks: [{ path: '/disks/a.raw' }] };
  const plans: Readonly<Record<string, Value>> = {
    backup: { name: 'a', vm: { name: 'v', source }, repository: 'r', before: [command] },
    incremental: { name: 'a', vm: { name: 'v', source }, repository: 'r' },
    restore: {
      name: 'a',
      vm: { name: 'v' },
      repository: 'r',
      point: { before: '2026-11-20T00:00:00Z' },
      to: { directory: 'f' },
    },
    group: { name: 'a', repository: 'r', source: 's', members: [{ name: 'a*' }] },
    prune: { name: 'a', repository: 'r', retention: { last: 3 } },
    verify: { name: 'a', repository: 'r', points: { share: '10%' } },
    boot: { name: 'a', repository: 'r', vms: [{ vm: 'v' }] },
    keep: { name: 'a', repository: 'r', vm: { name: 'v' }, boot: 'boot-0b1b3831' },
  };

  it('names what is wrong in a choice by type, and by key', () => {
    const wrong = (kind: string, field: Value): string[] => said(validate, { kind, ...plans[kind], ...field });
    const disks = [{ path: '/disks/a.raw', size: 3 }];
    expect(wrong('backup', { vm: { name: 'v', source: { type: 'image', disks } } })).toEqual([
      '/vm/source/disks/0 additionalProperties size',
    ]);
    expect(wrong('backup', { vm: { name: 'v', source: '/x' } })).toEqual(['/vm/source pattern']);
    expect(wrong('backup', { notify: [{ channel: 'a', no: 'failure' }] })).toEqual([
      '/notify/0 additionalProperties no',
    ]);
    expect(wrong('restore', { point: { before: 'yesterday' } })).toEqual(['/point/before format']);
    expect(wrong('restore', { point: { at: '2026-11-20T00:00:00Z', form: 'x' } })).toEqual([
      '/point additionalProperties form',
    ]);
    expect(wrong('verify', { points: { share: '0%' } })).toEqual(['/points/share pattern']);
    expect(wrong('verify', { points: 'some' })).toEqual(['/points enum']);
    expect(wrong('bakcup', {})).toEqual(['/kind enum']);
  });

  it('has a case of each kind', () => expect(Object.keys(plans).toSorted()).toEqual(planKinds()));

  it.each(Object.keys(plans))('%s: names the field that is wrong, and nothing of another kind', (kind) => {
    const plan = { kind, ...plans[kind] };
    expect(said(validate, plan)).toEqual([]);
    expect(said(validate, { ...plan, timeout: 5 })).toEqual(['/timeout type']);
    expect(said(validate, { ...plan, name: '../x' })).toEqual(['/name pattern']);
    expect(said(validate, { ...plan, nmae: 'x' })).toEqual([' additionalProperties nmae']);
    const { repository: _left, ...without } = plan as Value;
    expect(said(validate, without)).toEqual([' required repository']);
  });
});

describe('the schema of settings, in another validator', () => {
  const validate = otherValidator('settings');
  const secret = { secret: { file: 'a' } };
  const repositories = { r: { path: './r' } };
  const entries: readonly (readonly [string, string, Value])[] = [
    ['nodes', 'mode', { mode: 'embedded' }],
    ['nodes', 'mode', { mode: 'direct', url: 'http://n:8081', token: secret }],
    ['nodes', 'mode', { mode: 'dial-hub' }],
    ['sources', 'type', { type: 'image', vms: { v: { disks: [{ path: 'a' }] } } }],
    ['sources', 'type', { type: 'vsphere', host: 'vc', credential: 'c' }],
    ['channels', 'type', { type: 'email', host: 'h', from: 'a@b', to: ['a@b'], user: secret }],
    ['channels', 'type', { type: 'webhook', url: secret, headers: { A: 'b', C: secret } }],
    ['channels', 'type', { type: 'command', run: ['true'] }],
    ['channels', 'type', { type: 'ping', url: 'https://h/' }],
    ['channels', 'type', { type: 'syslog' }],
  ];
  const settings = (part: string, value: unknown): Value =>
    part === 'channels' ? { repositories, notify: { channels: { a: value } } } : { repositories, [part]: { a: value } };

  it.each(entries)('%s, %s: %o', (part, tag, entry) => {
    const at = part === 'channels' ? '/notify/channels/a' : `/${part}/a`;
    const answer = (value: Value): string[] => said(validate, settings(part, value));
    expect(answer(entry)).toEqual([]);
    expect(answer({ ...entry, nmae: 'x' })).toEqual([`${at} additionalProperties nmae`]);
    expect(answer({ ...entry, [tag]: 'nope' })).toEqual([`${at}/${tag} enum`]);
    const { [tag]: _left, ...without } = entry;
    expect(answer(without)).toEqual([`${at} required ${tag}`]);
  });

  it('a secret that may also be a text, and is neither', () => {
    const url = { secret: { flie: 'a' } };
    expect(said(validate, settings('channels', { type: 'ping', url }))).toEqual([
      '/notify/channels/a/url/secret additionalProperties flie',
    ]);
  });
});

describe('what is published says yes and no as our own validators do', () => {
  const chosen = schemaNames()
    .filter((name) => !/^steps|^common$|^domain$/.test(name))
    .filter((name) => JSON.stringify({ ...bundledSchema(name), $defs: {} }).includes('"then"'));
  it.each(chosen)('%s', (name) => {
    const [ours, others] = [validatorOf(`${name}.json`), otherValidator(name)];
    const agree = (value: unknown): void => {
      const text = jsonText(value);
      let copies: [unknown, unknown];
      try {
        copies = [JSON.parse(text), JSON.parse(text)];
      } catch {
        return; // No JSON: no question for a schema.
      }
      expect([ours(copies[0]), text.slice(0, 2000)]).toEqual([others(copies[1]), text.slice(0, 2000)]);
    };
    const values = variantsOf(name);
    for (const value of values) agree(value);
    fc.assert(fc.property(changedValue(fc.constantFrom(...values)), agree), { numRuns: rounds(40, 2_000) });
  });
});

/** Something sound of each branch. */
function variantsOf(name: string): unknown[] {
  const { oneOf } = schemaOf(`${name}.json`) as { oneOf?: readonly unknown[] };
  return (oneOf ?? [null]).map((_branch, at) => soundValue(`${name}.json${oneOf ? `#/oneOf/${at}` : ''}`));
}
