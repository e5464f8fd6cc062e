import { describe, expect, test } from 'vitest';
import { groupMember, planOfMember } from '../../../src/steps/group/child-plan.ts';
import { nameMembers, takenNames } from '../../../src/steps/group/name-members.ts';
import { compareMembers } from '../../../src/steps/group/order-members.ts';
import type { SourceVm } from '../../../src/sources/source-kind.ts';
import { fits, selectMembers } from '../../../src/steps/group/select-members.ts';
import { createTurnstile } from '../../../src/steps/group/turnstile.ts';
import { loadPlanText } from '../../../src/plan/load-plan.ts';
import type { GroupPlan } from '../../../src/schemas/types.ts';

const vm = (name: string, more: Partial<SourceVm> = {}): SourceVm => ({
  name,
  path: `/DC1/vm/${name}`,
  moref: null,
  instanceUuid: null,
  template: false,
  capacity: null,
  tags: null,
  ...more,
});
const names = (vms: readonly SourceVm[]): string[] => vms.map(({ name }) => name);

describe('who belongs to a group', () => {
  const vms = [
    vm('web1', { path: '/DC1/vm/Web/web1', moref: 'vm-1', tags: ['backup/gold'] }),
    vm('web2', { path: '/DC1/vm/Web/Inner/web2', tags: ['owner/gold', 'backup/silver'] }),
    vm('Webshop', { path: '/DC1/vm/Website/Webshop' }),
    vm('web-template', { path: '/DC1/vm/Web/web-template', template: true }),
  ];
  test.each([
    [{ name: 'web?' }, ['web1', 'web2']],
    [{ name: 'WEB*' }, ['web1', 'web2', 'Webshop']],
    [{ folder: '/DC1/vm/Web' }, ['web1', 'web2']],
    [{ folder: '/DC1/vm/Web/' }, ['web1', 'web2']],
    [{ path: '/DC1/vm/Website/Webshop' }, ['Webshop']],
    [{ moref: 'vm-1' }, ['web1']],
    [{ tag: 'gold' }, ['web1', 'web2']],
    [{ tag: 'backup/gold' }, ['web1']],
    [{ tag: 'gold', name: '*2' }, ['web2']],
    [{ tag: 'old' }, []],
  ])('%j', (match, expected) => {
    expect(names(selectMembers(vms, [match], []).members)).toEqual(expected);
  });

  test('excludes win, and an entry that nobody fits is told', () => {
    const { members, warnings } = selectMembers(
      vms,
      [{ name: '*' }, { name: 'db*' }],
      [{ folder: '/DC1/vm/Web/Inner' }],
    );
    expect(names(members)).toEqual(['web1', 'Webshop']);
    expect(warnings).toEqual(['no VM of the source fits members: name: db*']);
  });

  test('what looks like a regular expression is text', () => {
    const found = (name: string, pattern: string): boolean => fits(vm(name), { name: pattern });
    expect(found('a.b', 'a.b')).toBe(true);
    expect(found('axb', 'a.b')).toBe(false);
    expect(found('A(B)[1]', 'a(b)[?]')).toBe(true);
    // As a regular expression this would take for ever.
    expect(found('a'.repeat(200), `${'a*'.repeat(100)}b`)).toBe(false);
  });
});

describe('the name of a VM in the repository', () => {
  test('is its own, made fit for a file name', () => {
    const odd = vm('Büro Server (alt)');
    expect([...nameMembers([odd, vm('web1')], []).values()]).toEqual(['Buro-Server-alt', 'web1']);
  });

  test('differs for two VMs of one name, and is the same at each run, in whatever order', () => {
    const twins = [vm('web', { instanceUuid: 'uuid-a' }), vm('web', { instanceUuid: 'uuid-b' })];
    const first = nameMembers(twins, []);
    const given = twins.map((twin) => first.get(twin) ?? '');
    expect(new Set(given).size).toBe(2);
    const known = twins.map((twin, index) => ({
      context: given[index] ?? '',
      identity: twin.instanceUuid,
      newest: index,
    }));
    const again = nameMembers(twins.toReversed(), known);
    expect(twins.map((twin) => again.get(twin))).toEqual(given);
  });

  test('stays when the VM is renamed, and is not taken over by another VM of that name', () => {
    const known = [{ context: 'web', identity: 'uuid-a', newest: 1 }];
    const renamed = vm('shop', { instanceUuid: 'uuid-a' });
    const newcomer = vm('web', { instanceUuid: 'uuid-c' });
    const given = nameMembers([newcomer, renamed], known);
    expect(given.get(renamed)).toBe('web');
    expect(given.get(newcomer)).toMatch(/^web-[0-9a-f]{8}$/);
  });

  test('a VM that was made anew is told, until it has restore points of its own', () => {
    const known = [{ context: 'web', identity: 'uuid-a', newest: 1 }];
    const anew = vm('web', { instanceUuid: 'uuid-b' });
    const given = nameMembers([anew], known);
    const told = takenNames(given, known);
    expect(told).toHaveLength(1);
    expect(told[0]).toContain('sendense-run adopt web --identity uuid-b');
    const later = [...known, { context: given.get(anew) ?? '', identity: 'uuid-b', newest: 2 }];
    expect(takenNames(nameMembers([anew], later), later)).toEqual([]);
    const adopted = [{ context: 'web', identity: 'uuid-b', newest: 1 }];
    expect(nameMembers([anew], adopted).get(anew)).toBe('web');
    expect(takenNames(nameMembers([anew], adopted), adopted)).toEqual([]);
  });

  test('is there where no letter of it may stand in a file name', () => {
    expect([...nameMembers([vm('服务器')], []).values()][0]).toMatch(/^vm-[0-9a-f]{8}$/);
  });
});

const group = (more: Partial<GroupPlan> = {}): GroupPlan =>
  ({
    version: 1,
    kind: 'group',
    name: 'production',
    members: [{ name: '*' }],
    repository: 'primary',
    node: 'local',
    order: 'name',
    atOnce: 2,
    lockWait: '1h',
    vm: { quiesce: 'try' },
    mode: 'auto',
    verify: 'changed',
    limits: {},
    transfer: {},
    timeout: '24h',
    stallTimeout: '10m',
    ...more,
  }) as GroupPlan;

test('a plan for each VM is valid, and later overrides count more', () => {
  const overrides = [
    { match: { name: 'db*' }, priority: 3, vm: { quiesce: 'required' as const }, retention: { last: 9 } },
    { match: { name: 'db1' }, priority: 7, repository: 'second' },
  ];
  const production = group({ overrides });
  const member = groupMember(production, 'vcenter', vm('db1', { moref: 'vm-9' }), 'db1');
  expect(member).toMatchObject({ plan: 'production.db1', priority: 7, repository: 'second', moref: 'vm-9' });
  const { plan, diagnostics } = loadPlanText({
    file: '/plans/production.yaml',
    text: planOfMember(production, member),
  });
  expect(diagnostics).toEqual([]);
  expect(plan).toMatchObject({
    kind: 'backup',
    name: 'production.db1',
    vm: { name: 'db1', source: 'vcenter', moref: 'vm-9', quiesce: 'required' },
    repository: 'second',
    retention: { last: 9 },
  });
});

test('what a journal keeps of a member does not grow with the policy of the group', () => {
  const overrides = Array.from({ length: 20 }, () => ({ match: { name: 'db*' }, retention: { daily: 30, weekly: 8 } }));
  const size = (plan: GroupPlan): number => JSON.stringify(groupMember(plan, 'vcenter', vm('db1'), 'db1')).length;
  expect(size(group({ overrides, retention: { daily: 14, weekly: 8, monthly: 12, yearly: 5 } }))).toBeLessThan(300);
});

test('names of plans stay within what a name may be', () => {
  const long = group({ name: 'g'.repeat(60) });
  const member = groupMember(long, 'vcenter', vm('x'), 'v'.repeat(60));
  expect(loadPlanText({ file: '/p.yaml', text: planOfMember(long, member) }).diagnostics).toEqual([]);
});

test.each([
  ['name', ['c', 'a', 'b', 'd']],
  ['oldest-backup', ['c', 'd', 'b', 'a']],
  ['smallest', ['c', 'b', 'a', 'd']],
  ['largest', ['c', 'd', 'a', 'b']],
] as const)('order %s, after priority', (order, expected) => {
  const place = (name: string, priority: number, capacity: number, newest: number | null) => ({
    name,
    priority,
    capacity,
    newest,
  });
  const places = [place('a', 0, 2, 30), place('b', 0, 1, 20), place('c', 5, 9, 40), place('d', 0, 3, null)];
  expect(places.toSorted(compareMembers(order)).map(({ name }) => name)).toEqual(expected);
});

test('a turnstile lets in one at a time, in order, and a second leaving does nothing', async () => {
  const turnstile = createTurnstile();
  const said: string[] = [];
  const pass = async (name: string): Promise<void> => {
    const leave = await turnstile.enter();
    said.push(`${name} in`);
    await Promise.resolve();
    said.push(`${name} out`);
    leave();
    leave();
  };
  await Promise.all(['a', 'b', 'c'].map(pass));
  expect(said).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
});
