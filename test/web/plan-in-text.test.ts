import { expect, test } from 'vitest';
import { planInText } from '../../src/web/screens/plan-file/plan-in-text.ts';

test.each([
  ['kind: backup\nname: nightly\n', { plan: 'nightly', kind: 'backup' }],
  ['# name: other\nname:  "web-1.x" # of the shop\nkind: prune', { plan: 'web-1.x', kind: 'prune' }],
  ["vm: { name: db }\nname: 'db'\n", { plan: 'db', kind: null }],
  ['vm:\n  name: db\n', undefined],
  ['{ name: db, kind: backup }', undefined],
  ['name: a b\n', undefined],
])('the plan of %j is %o', (text, plan) => {
  expect(planInText(text)).toEqual(plan);
});
