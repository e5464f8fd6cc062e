import { expect, test } from 'vitest';
import { bundledSchema } from '../../src/plan/bundled-schema.ts';
import { diffLines, nearChanges } from '../../src/web/design/diff.ts';
import { meaningAt, offersAt } from '../../src/web/editor/schema-help.ts';
import { placeAt } from '../../src/web/editor/yaml-place.ts';

const schema = bundledSchema('plan');

/** The position of `|` in a text. */
function marked(text: string): [lines: string[], line: number, column: number] {
  const before = text.slice(0, text.indexOf('|')).split('\n');
  return [text.replace('|', '').split('\n'), before.length - 1, before.at(-1)?.length ?? 0];
}

test('a position is told by the keys that lead there', () => {
  const cases: readonly (readonly [text: string, place: string])[] = [
    ['ki|', 'key ki'],
    ['kind: back|', 'kind value back'],
    ['vm:\n  na|', 'vm key na'],
    ['vm:\n  source:\n    disks:\n      - path: x\n        for|', 'vm.source.disks.* key for'],
    ['disks:\n- path: x\n- pa|', 'disks.* key pa'],
    ['vm:\n  name: a\n# note\n\nre|', 'key re'],
    ['vm: { name: a, source: { ty|', 'vm.source key ty'],
    ['vm: { name: a, source: { type: im|', 'vm.source.type value im'],
    ['before: [{ run: [a, b|', 'before.*.run.* value b'],
    ['schedule:\n  cron: "30 1 * * *"\n  time|', 'schedule key time'],
  ];
  for (const [text, place] of cases) {
    const { path, at, word } = placeAt(...marked(text));
    expect([...(path.length > 0 ? [path.join('.')] : []), at, word].join(' '), text).toBe(place);
  }
});

test('the schema says what can stand at a position, without what stands there, and what a key means', () => {
  const offered = (text: string): string[] => offersAt(schema, ...marked(text)).offers.map(({ label }) => label);
  expect(offered('kind: |')).toContain('backup');
  expect(offered('kind: backup\n|')).toEqual(expect.arrayContaining(['vm', 'repository', 'schedule', 'retention']));
  expect(offered('kind: backup\nvm: { name: x }\n|\nrepository: y\n')).not.toContain('vm');
  expect(offered('kind: backup\nvm:\n  |')).toEqual(expect.arrayContaining(['name', 'source']));
  expect(offered('kind: backup\nvm:\n  source:\n    |')).toEqual(expect.arrayContaining(['type', 'disks']));
  expect(offered('kind: backup\nvm: { source: { type: |')).toContain('image');
  expect(offered('kind: restore\n|')).toContain('to');
  expect(meaningAt(schema, ...marked('kind: backup\nmo|de: full'))?.text).toMatch(/One of: auto, full/);
  expect(meaningAt(schema, ...marked('kind: backup\nname: som|ething'))).toBeNull();
});

test('two texts are compared line by line, and lines far from a change are left out', () => {
  const before = Array.from({ length: 20 }, (_, index) => `line ${index}`);
  const after = before.toSpliced(10, 1, 'another', 'one more');
  const lines = diffLines(before.join('\n'), after.join('\n'));
  const side = (...which: string[]): string[] =>
    lines.filter((one) => which.includes(one.side)).map(({ text }) => text);
  expect([side('both', 'old'), side('both', 'new')]).toEqual([before, after]);
  expect(
    nearChanges(lines)
      .map((line) => line?.side[0] ?? '…')
      .join(''),
  ).toBe('…bbbonnbbb…');
});
