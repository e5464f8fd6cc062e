import { expect, test } from 'vitest';
import { version } from '../../src/schemas/package.ts';
import { versionMisfit } from '../../src/schemas/version-fit.ts';

test.each<[hub: string, node: string, upgrade: 'the node' | 'the hub' | 'both' | null]>([
  ['0.1.0', '0.1.0', null],
  ['0.1.0', '0.1.9', null],
  ['0.1.9', '0.1.0-rc.1', null],
  ['0.1.0', '0.2.0', 'the hub'],
  ['0.2.0', '0.1.7', 'the node'],
  ['0.9.0', '1.0.0', 'the hub'],
  ['1.0.0', '0.9.0', 'the node'],
  ['1.4.2', '1.4.0', null],
  ['1.4.2', '1.5.0', null],
  ['1.4.2', '1.6.0', 'the hub'],
  ['1.4.2', '1.3.9', 'the node'],
  ['1.4.2', '2.0.0', 'the hub'],
  ['1.9.0', '1.10.0', null],
  ['1.10.0', '1.9.0', 'the node'],
  ['2.0.0', '1.9.0', 'the node'],
  ['1.4.2', 'dev', 'both'],
  ['1.4.2', '1.4rc', 'both'],
  ['dev', 'dev', null],
  [version, version, null],
])('hub %s and node %s: upgrade %s', (hub, node, upgrade) => {
  const misfit = versionMisfit({ hub, node });
  if (upgrade === null) expect(misfit).toBeNull();
  else expect(misfit).toMatch(new RegExp(`^hub ${hub} and node ${node} do not belong together: upgrade ${upgrade}`));
});
