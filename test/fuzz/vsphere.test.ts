import fc from 'fast-check';
import { expect } from 'vitest';
import { queryChangedAreas } from '../../src/node/vsphere/changed-areas.ts';
import { parseChangeId } from '../../src/node/vsphere/change-id.ts';
import type { Vsphere } from '../../src/node/vsphere/vsphere.ts';
import { parseDatastorePath } from '../../src/node/vsphere/datastore-path.ts';
import { escapeXml } from '../../src/host/net/escape-xml.ts';
import { faultError } from '../../src/node/vsphere/fault.ts';
import { objectProperties } from '../../src/node/vsphere/properties.ts';
import { readMark, snapshotDescription, snapshotName } from '../../src/node/vsphere/snapshot-mark.ts';
import { tagsOver } from '../../src/node/vsphere/tags.ts';
import { readAnswer } from '../../src/node/vsphere/transports/http-answer.ts';
import { vmConfigDevices } from '../../src/node/vsphere/vm-config-devices.ts';
import { vmFrom } from '../../src/node/vsphere/vm-properties.ts';
import {
  at,
  integer,
  list,
  moref,
  optionalText,
  parseXml,
  text,
  xsiType,
  type XmlValue,
} from '../../src/node/vsphere/xml.ts';
import { catalogue } from '../../src/errors/catalogue.ts';
import { validatorOf } from '../../src/schemas/validator.ts';
import { fuzz, judge } from './harness.ts';
import { changedBytes, hostileBytes, hostileText, numberTexts, part, prototypeWords } from './hostile.ts';
import { hostileJson, parsedOf } from './hostile-json.ts';
import { soundValue } from './sound-value.ts';

const xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';
const envelope = (inner: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" ${xsi}><soapenv:Body>${inner}</soapenv:Body></soapenv:Envelope>`;

const property = (name: string, value: string): string => `<propSet><name>${name}</name><val>${value}</val></propSet>`;
const device = (type: string, inner: string): string =>
  `<VirtualDevice xsi:type="${type}"><key>2000</key>${inner}</VirtualDevice>`;
const devices = [
  device(
    'VirtualDisk',
    '<deviceInfo><label>Hard disk 1</label></deviceInfo><backing xsi:type="VirtualDiskFlatVer2BackingInfo"><fileName>[ds] a/a.vmdk</fileName><diskMode>persistent</diskMode><uuid>u-1</uuid><changeId>52 de/81</changeId><thinProvisioned>true</thinProvisioned></backing><controllerKey>1000</controllerKey><unitNumber>0</unitNumber><capacityInKB>1024</capacityInKB><capacityInBytes>1048576</capacityInBytes>',
  ),
  device('ParaVirtualSCSIController', '<busNumber>0</busNumber><sharedBus>noSharing</sharedBus>'),
  device(
    'VirtualVmxnet3',
    '<backing><port><portgroupKey>dvpg-1</portgroupKey></port></backing><macAddress>00:50:56:00:00:01</macAddress><connectable><connected>true</connected></connectable>',
  ),
].join('');
const snapshot =
  '<currentSnapshot type="VirtualMachineSnapshot">s-1</currentSnapshot><rootSnapshotList><snapshot type="VirtualMachineSnapshot">s-1</snapshot><name>sendense-j</name><description>x</description><createTime>2026-01-02T03:04:05Z</createTime><quiesced>false</quiesced></rootSnapshotList>';
const vm = `<objects><obj type="VirtualMachine">vm-1</obj>${property('name', 'pgtest1')}${property('runtime.powerState', 'poweredOn')}${property('config.version', 'vmx-19')}${property('config.hardware.device', devices)}${property('snapshot', snapshot)}</objects>`;
const fault = (type: string): string =>
  `<soapenv:Fault><faultcode>x</faultcode><faultstring>It failed.</faultstring><detail><${type}Fault xsi:type="${type}"><faultMessage><key>com.vmware.cbt.noTrack</key><message>m</message></faultMessage><invalidProperty>changeId</invalidProperty><file>[ds] a</file><object type="VirtualMachine">vm-1</object></${type}Fault></detail></soapenv:Fault>`;
const areas =
  '<startOffset>0</startOffset><length>1048576</length><changedArea><start>0</start><length>65536</length></changedArea><changedArea><start>131072</start><length>65536</length></changedArea>';

const documents: readonly string[] = [
  envelope(
    `<RetrievePropertiesExResponse xmlns="urn:vim25"><returnval>${vm}</returnval></RetrievePropertiesExResponse>`,
  ),
  envelope(
    `<QueryChangedDiskAreasResponse xmlns="urn:vim25"><returnval>${areas}</returnval></QueryChangedDiskAreasResponse>`,
  ),
  envelope(fault('InvalidArgument')),
];

const bomb = `<!DOCTYPE lolz [<!ENTITY a "${'x'.repeat(20)}">${Array.from({ length: 9 }, (_, n) => `<!ENTITY a${n} "${`&a${n === 0 ? '' : n - 1};`.repeat(10)}">`).join('')}]><r>&a8;</r>`;
/** Put where a text or a tag was. */
const pieces: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: hostileText.map(escapeXml) },
  { weight: 2, arbitrary: fc.constantFrom(...numberTexts) },
  { weight: 2, arbitrary: fc.constantFrom(...prototypeWords).map((word) => `<${word}>x</${word}>`) },
  { weight: 2, arbitrary: fc.constantFrom(...prototypeWords).map((word) => `<x xsi:type="${word}" ${word}="1"/>`) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      '<![CDATA[<a>&b;]]>',
      '<![CDATA[',
      ']]>',
      '<!-- x -->',
      '<!--',
      '<?php x ?>',
      '<?',
      '&lt;',
      '&#0;',
      '&#x110000;',
      '&#xD800;',
      '&#9999999999;',
      '&unknown;',
      '&',
      '&amp',
      '<',
      '>',
      '</',
      '<a',
      '<a b=">',
      "<a b='>",
      '<a:b:c/>',
      '<:a/>',
      '<a/><a/>',
      '<!DOCTYPE r SYSTEM "file:///etc/passwd">',
      '<!ENTITY x "y">',
      bomb,
      '<xi:include href="file:///etc/passwd"/>',
      '<a xmlns="urn:x" xmlns:a="urn:y" a:type="z" type="w"/>',
      '<#text>x</#text>',
      '<:@>x</:@>',
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom('<a>', '<a/>', '<a ', '&amp;', '<![CDATA[]]>', '<!---->', '</a>', 'x="', '<a b="c">'),
        fc.constantFrom(10, 1_000, 20_000),
      )
      .map(([unit, times]) => unit.repeat(times)),
  },
  { weight: 1, arbitrary: fc.constantFrom(50, 2_000).map((depth) => '<a>'.repeat(depth) + '</a>'.repeat(depth)) },
);

type Change = (document: string) => string;

/** In the place of one text between two tags, of one tag, or of one type. */
const change: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.tuple(part, pieces).map(
      ([place, put]): Change =>
        (document) =>
          replaceOne(document, />[^<]*</g, place, () => `>${put}<`),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(part, pieces).map(
      ([place, put]): Change =>
        (document) =>
          replaceOne(document, /<[^>]*>/g, place, () => put),
    ),
  },
  {
    weight: 1,
    arbitrary: part.map(
      (place): Change =>
        (document) =>
          replaceOne(document, /<[^>]*>/g, place, (tag) => tag + tag),
    ),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(part, fc.constantFrom(...prototypeWords, 'VirtualDisk', 'VirtualTPM', 'NoPermission', '', 'a:b'))
      .map(
        ([place, type]): Change =>
          (document) =>
            replaceOne(document, /type="[^"]*"/g, place, () => `type="${type}"`),
      ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(part, fc.constantFrom('cbt.constructor', 'cbt.__proto__', 'com.vmware.cbt.noEpoch', 'cbt.'))
      .map(
        ([place, key]): Change =>
          (document) =>
            replaceOne(document, /<key>[^<]*</g, place, () => `<key>${key}<`),
      ),
  },
);

function replaceOne(document: string, pattern: RegExp, place: number, put: (found: string) => string): string {
  const found = [...document.matchAll(pattern)];
  const one = found[Math.floor(place * found.length)];
  return one ? document.slice(0, one.index) + put(one[0]) + document.slice(one.index + one[0].length) : document;
}

const changed = fc
  .tuple(fc.constantFrom(...documents), fc.array(change, { minLength: 1, maxLength: 3, size: 'max' }))
  .map(([document, changes]) => changes.reduce((now, one) => one(now), document));
const xml = fc.oneof(
  { weight: 5, arbitrary: changed },
  {
    weight: 1,
    arbitrary: changedBytes(
      changed.map((document) => Buffer.from(document)),
      2,
    ).map((bytes) => bytes.toString('utf8')),
  },
  {
    weight: 1,
    arbitrary: hostileBytes(fc.constantFrom(...documents).map((document) => Buffer.from(document))).map((bytes) =>
      bytes.toString('utf8'),
    ),
  },
);

/** No element is deeper than the parser lets it be, and each can be asked for all that it may have. */
async function walk(value: XmlValue): Promise<void> {
  for (const open = [value]; ;) {
    const one = open.pop();
    if (!one) return;
    expect(typeof one.text).toBe('string');
    xsiType(one);
    const reads: readonly (() => unknown)[] = [
      () => integer(one),
      () => moref(one, 'obj'),
      () => text(one, 'name'),
      () => parseDatastorePath(one.text),
    ];
    for (const read of reads) await judge(read);
    readMark(one.text, one.text);
    parseChangeId(one.text);
    open.push(...one.children.slice(0, 20));
  }
}

fuzz('XML of a vCenter', {
  input: xml,
  few: 150,
  attempt: async (document) => {
    const { accepted, refused } = await judge(() => parseXml(document));
    if (refused) return expect(refused.code).toBe('vsphere.protocol');
    await walk(accepted);
  },
});

const content = { propertyCollector: { type: 'PropertyCollector', value: 'pc' } };
/** A session whose server says that, whatever it is asked. */
const saying = (document: string): Vsphere =>
  ({
    content,
    host: 'vc',
    call: async () => {
      const body = at(parseXml(document), 'Body');
      const found = at(body, 'Fault');
      if (found) throw faultError('it', at(found, 'detail')?.children[0], optionalText(found, 'faultstring') ?? '');
      return at(body?.children[0], 'returnval');
    },
  }) as unknown as Vsphere;

const inventory = soundValue('node/inventory.json') as { vms: unknown[] };

fuzz('what a vCenter says of a VM', {
  input: xml,
  few: 150,
  attempt: async (document) => {
    const { accepted: found } = await judge(() =>
      objectProperties(saying(document), [{ type: 'VirtualMachine', value: 'vm-1' }], ['name']),
    );
    for (const one of found ?? []) {
      const place = { path: '/x', host: null, datacenter: null, reverts: null, datastoreTypes: new Map() };
      const { accepted: facts } = await judge(() => vmFrom(one, place, 0));
      // It goes over the wire to the hub, which takes nothing else.
      const check = validatorOf('node/inventory.json');
      if (facts)
        expect([check(JSON.parse(JSON.stringify({ ...inventory, vms: [facts] }))), check.errors]).toEqual([true, null]);
      const devicesOf = one.values.get('config.hardware.device');
      if (devicesOf)
        await judge(() =>
          vmConfigDevices(
            {
              name: 'c',
              attributes: {},
              text: '',
              children: [
                {
                  name: 'hardware',
                  attributes: {},
                  text: '',
                  children: devicesOf.children.map((child) => ({ ...child, name: 'device' })),
                },
              ],
            },
            new Map(),
          ),
        );
    }
  },
});

fuzz('changed areas of a vCenter', {
  input: fc.oneof(
    { weight: 1, arbitrary: xml },
    {
      weight: 2,
      arbitrary: fc
        .array(change, { minLength: 1, maxLength: 2, size: 'max' })
        .map((changes) => changes.reduce((now, one) => one(now), documents[1] ?? '')),
    },
    {
      weight: 1,
      arbitrary: fc
        .array(change, { minLength: 0, maxLength: 2, size: 'max' })
        .map((changes) => changes.reduce((now, one) => one(now), documents[2] ?? '')),
    },
  ),
  few: 150,
  attempt: async (document) => {
    const capacity = 1_048_576;
    const tracked = {
      vm: { type: 'VirtualMachine', value: 'vm-1' },
      snapshot: { type: 'x', value: 's-1' },
      disk: { key: 2000, capacity_bytes: capacity, change_id: '52 de/82' },
    };
    const { accepted } = await judge(() => queryChangedAreas(saying(document), tracked, '52 de/81', { delay: 0 }));
    if (!accepted) return;
    if ('reset' in accepted) return expect(typeof accepted.reset).toBe('string');
    let last = 0;
    for (const { offset, length } of accepted.areas) {
      expect(offset >= last && length > 0 && offset + length <= capacity).toBe(true);
      last = offset + length;
    }
  },
});

/** What the REST API answers, in the order in which it is asked: tags, each with its category, and what bears them. */
const tagAnswers: readonly unknown[] = [
  ['urn:tag:1', 'urn:tag:2'],
  { name: 'gold', category_id: 'urn:category:1' },
  { name: 'tier' },
  { name: 'silver', category_id: 'urn:category:1' },
  [
    { tag_id: 'urn:tag:1', object_ids: [{ id: 'vm-1', type: 'VirtualMachine' }] },
    {
      tag_id: 'urn:tag:2',
      object_ids: [
        { id: 'vm-1', type: 'VirtualMachine' },
        { id: 'h', type: 'HostSystem' },
      ],
    },
  ],
];

fuzz('tags of a vCenter', {
  input: fc
    .nat(tagAnswers.length - 1)
    .chain((which) =>
      hostileJson(fc.constant(tagAnswers[which])).map((said) => tagAnswers.with(which, parsedOf(said) ?? null)),
    ),
  few: 100,
  sound: [tagAnswers],
  attempt: async (answers) => {
    let asked = 0;
    const { accepted, refused } = await judge(() => tagsOver({ call: async () => answers[asked++] ?? null }));
    if (refused) return expect(refused.code).toBe('vsphere.protocol');
    for (const [id, tags] of accepted) expect([typeof id, ...tags.map((tag) => typeof tag)]).not.toContain('object');
    return accepted.size === 1;
  },
});

const mark = { job: 'j', backup: 'b', node: 'n', time: 1_763_690_000_000 };

fuzz('faults, marks and heads of answers', {
  input: fc.tuple(hostileText, hostileBytes(fc.constant(Buffer.from(snapshotDescription(mark))))),
  few: 80,
  attempt: ([type, bytes]) => {
    const detail: XmlValue = { name: 'detail', attributes: { 'xsi:type': type }, text: '', children: [] };
    expect(Object.hasOwn(catalogue, faultError('it', detail, type).code)).toBe(true);
    const found = readMark(snapshotName(mark), bytes.toString('utf8'));
    if (found) expect(snapshotName(found)).toBe(snapshotName(mark));
    let answer = null;
    for (const line of ['HTTP/1.1 206 x', ...bytes.toString('latin1').split('\n'), type])
      answer = readAnswer(answer, line);
    list(detail, type);
  },
});
