import { expect } from 'vitest';
import { describeErrors, validatorOf } from '../../src/schemas/validator.ts';
import type { Settings } from '../../src/schemas/types.ts';
import { kindOf, settingsOf, strangeMatchKeys, strangeVmKeys } from '../../src/sources/index.ts';
import type { AskedSource, SourceType } from '../../src/sources/source-kind.ts';
import type { Source } from '../../src/node/sources/source.ts';
import { loginOf, specOf, type Subject } from './subject.ts';

type Check = (subject: Subject<SourceType>) => void | Promise<void>;

const noVm = 'no-such-vm';

/** What every kind keeps at the hub. Its questions go to its own half at the node. */
export const hubChecks: Readonly<Record<string, Check>> = {
  'sendense.yaml with the source is valid, and strange values in it are findings, not exceptions': ({
    kind,
    settings,
    place,
  }) => {
    const path = ['sources', place.name];
    expect(kind.settingsFindings({ ...settings }, path)).toEqual([]);
    for (const value of [null, 0, '', [], {}, [[]], { a: 1 }])
      for (const key of [...Object.keys(settings), 'ca', 'limits', 'transports', 'vms'])
        for (const finding of kind.settingsFindings({ ...settings, [key]: value }, path))
          expect('path' in finding.at && finding.at.path?.slice(0, 2)).toEqual(path);
  },

  'the spec is what the schema of the wire allows, the same twice, and holds no secret': (subject) => {
    const spec = specOf(subject);
    expect(spec).toEqual(specOf(subject));
    expect(JSON.parse(JSON.stringify(spec))).toEqual(spec);
    const valid = validatorOf('node/discover.json');
    valid({ vm_name: subject.vmName, source: spec });
    expect(describeErrors(valid.errors)).toBe('');
    expect(JSON.stringify(spec)).not.toContain('secret');
    if (subject.account) expect(JSON.stringify(spec)).not.toContain(subject.account.password);
  },

  'a spec leads back to its source in sendense.yaml, while it is there': (subject) => {
    const spec = specOf(subject);
    const { name } = subject.place;
    const sources = { [name]: subject.settings };
    const isNamed = subject.kind.nameOf(spec) !== null;
    expect(settingsOf(spec, { sources } as unknown as Settings)).toBe(isNamed ? subject.settings : undefined);
    expect(settingsOf(spec, { sources: {} } as unknown as Settings)).toBe(undefined);
  },

  'the VM of the plan is in order, and keys of other kinds are told from its own': ({ kind, vm, settings, place }) => {
    expect(kind.vmFindings({ name: vm.name }, place.name, settings)).toEqual([]);
    for (const key of strangeVmKeys(kind)) expect(kind.vmKeys).not.toContain(key);
    for (const key of strangeMatchKeys(kind)) expect(kind.matchKeys).not.toContain(key);
    expect(kind.matchKeys).toContain('name');
    expect(kindOf(settings).type).toBe(kind.type);
  },

  'names that sendense.yaml has are those with disks there': ({ kind, settings }) => {
    for (const name of kind.vmNames(settings)) expect(kind.writtenDisks(settings, name)?.length).toBeGreaterThan(0);
    expect(kind.writtenDisks(settings, noVm)).toBe(null);
  },

  'a login is the same behind the wire, and what is secret in it is known': ({ kind: { login }, account }) => {
    expect(login === null).toBe(account === null);
    if (!login || !account) return;
    const wire = login.toWire(account);
    expect(login.fromWire(wire)).toEqual(account);
    expect(login.fromWire({ vcenter_user: null, vcenter_password: null })).toBe(null);
    const secret = Object.entries(wire).filter(([, value]) => value === account.password);
    expect(login.secretFields).toEqual(secret.map(([key]) => key));
  },

  'who logs in is in sendense.yaml or a stored credential': (subject) => {
    const { login } = subject.kind;
    if (!login) return;
    const spec = specOf(subject);
    const account = login.account(spec, subject.settings);
    if ('credential' in account) expect(login.credential(subject.settings)).toBe(account.credential);
    else {
      expect(account.user).toBe(subject.account?.user);
      // Somebody took it out of sendense.yaml meanwhile.
      expect(() => login.account(spec, undefined)).toThrow(/neither user and password nor a credential/);
    }
    const request = login.testRequest(spec, subject.account ?? { user: '', password: '' });
    const valid = validatorOf('node/credentials-test.json');
    valid(request);
    expect(describeErrors(valid.errors)).toBe('');
  },

  'effects have no command, and only a kind that makes something at the source may leave it there': (subject) => {
    const { effects, leaves } = subject.kind;
    const found = effects(specOf(subject));
    for (const { target, detail, argv } of found)
      expect([target !== '', detail !== '', argv]).toEqual([true, true, null]);
    expect(found.some(({ action }) => action === 'change')).toBe(leaves !== null);
    if (leaves) expect(leaves('job-1', 'pgtest1')).toMatch(/job-1.*pgtest1/);
  },

  'a group finds the VM by its name': async (subject) => {
    const { vms } = await subject.kind.listVms(asked(subject), { tags: false });
    expect(vms.map(({ name }) => name)).toContain(subject.vmName);
    expect(new Set(vms.map(({ name, moref }) => `${name} ${moref}`)).size).toBe(vms.length);
  },

  'what is discovered is what the schema of discover has, with all VMs or one': async (subject) => {
    const valid = validatorOf('output/discover.json');
    for (const vm of [undefined, subject.vmName]) {
      const { output, one } = await subject.kind.discover(asked(subject), { vm, node: 'local' });
      valid({ ...output, plan_file: null });
      expect(describeErrors(valid.errors)).toBe('');
      expect(output).toMatchObject({ type: subject.kind.type, source: subject.place.name, node: 'local' });
      expect(one?.name).toBe(vm);
      for (const key of Object.keys({ ...one?.where, ...one?.reading })) expect(subject.kind.vmKeys).toContain(key);
    }
    const missing = subject.kind.discover(asked(subject), { vm: noVm, node: 'local' });
    await expect(missing).rejects.toMatchObject({ code: 'source.missing' });
  },
};

/** The node is the kind's own half of it. */
function asked(subject: Subject<SourceType>): AskedSource<SourceType> {
  const source = subject.source as Source;
  const login = loginOf(subject);
  return {
    settings: subject.settings,
    place: subject.place,
    login: async () => (subject.account && subject.kind.login?.toWire(subject.account)) ?? {},
    node: async () => ({
      discover: async (request) => ({
        vm_name: request.vm_name ?? '',
        ...(await source.discover(request.source, { vmName: request.vm_name ?? '', login })),
      }),
      inventory: async (request) => {
        if (!source.inventory) throw new Error('there is no inventory');
        return source.inventory(request.source, { login });
      },
    }),
  };
}
