import { describe, expect, it, test } from 'vitest';
import fc from 'fast-check';
import { envelope, type SoapValue } from '../../../src/node/vsphere/encode-soap.ts';
import {
  at,
  flag,
  integer,
  list,
  moref,
  optionalMoref,
  optionalText,
  parseXml,
  plainInteger,
  text,
  xsiType,
} from '../../../src/node/vsphere/xml.ts';

const xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';

describe('reading', () => {
  const value = parseXml(
    `<?xml version="1.0"?><a:root ${xsi}><size>9223372036854775807</size><id>1e5</id><zero>007</zero><key>-100</key>` +
      `<b>true</b><c>1</c><d>false</d><vm type="VirtualMachine">vm-57</vm><device xsi:type="v:VirtualDisk"><key>1</key></device>` +
      `<device xsi:type="VirtualCdrom"/><config><hardware><device><key>5</key></device></hardware></config>` +
      `<name> Büro &amp; &lt;K&#252;che&gt; &#x2f; 日本 </name><raw><![CDATA[<x>&amp;]]></raw><empty/></a:root>`,
  );

  it('keeps text as it is', () => {
    expect(text(value, 'id')).toBe('1e5');
    expect(text(value, 'zero')).toBe('007');
    expect(text(value, 'name')).toBe(' Büro & <Küche> / 日本 ');
    expect(text(value, 'raw')).toBe('<x>&amp;');
    expect(text(value, 'empty')).toBe('');
    expect(optionalText(value, 'nowhere.at.all')).toBeUndefined();
  });

  it('knows whole numbers of 64 bits', () => {
    expect(integer(value, 'size')).toBe(9223372036854775807n);
    expect(integer(value, 'key')).toBe(-100);
    expect(() => integer(value, 'id')).toThrow('id is no number: 1e5');
    // JSON would carry it to the hub as another number.
    expect(() => plainInteger(value, 'size')).toThrow('size is too large: 9223372036854775807');
    expect(() => plainInteger(parseXml('<mb>9007199254740991</mb>'), undefined, 1024)).toThrow('mb is too large');
    expect(plainInteger(value, 'zero', 1024)).toBe(7168);
  });

  it('tells lists, flags, references and types', () => {
    expect(list(value, 'device').map((device) => xsiType(device))).toEqual(['VirtualDisk', 'VirtualCdrom']);
    expect(list(value, 'config.hardware.device').map((device) => text(device, 'key'))).toEqual(['5']);
    expect(list(value, 'nothing')).toEqual([]);
    expect(list(undefined, 'nothing')).toEqual([]);
    expect(['b', 'c', 'd', 'e'].map((name) => flag(value, name))).toEqual([true, true, false, false]);
    expect(moref(value, 'vm')).toEqual({ type: 'VirtualMachine', value: 'vm-57' });
    expect(xsiType(at(value, 'vm'))).toBeUndefined();
    expect(optionalMoref(value, 'device')).toBeUndefined();
    expect(() => moref(value, 'size')).toThrow(expect.objectContaining({ code: 'vsphere.protocol' }));
    expect(() => text(value, 'host')).toThrow('the answer has no host in root');
  });

  it('puts no limit to entities', () => {
    expect(text(parseXml(`<a>${'&amp;&#8364;'.repeat(200_000)}</a>`))).toHaveLength(400_000);
  });
});

test.each([
  ['', 'it is empty'],
  ['  \n', 'it is empty'],
  ['no such page', 'does not begin with a tag'],
  ['<a><b></a></b>', '</a> stands where </b> is due'],
  ['<a><b>', '<b> is not closed'],
  ['<a>text</a', 'does not end'],
  ['<a x="1', 'does not end'],
  ['<a/><b/>', 'behind its end'],
  ['</a>', '</a> stands where nothing is due'],
  ['<?xml version="1.0"?>', 'no element'],
  ['<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', 'DOCTYPE'],
  ['<a><__proto__>1</__proto__></a>', 'not XML'],
  [`${'<a>'.repeat(5000)}${'</a>'.repeat(5000)}`, 'not XML'],
])('%j is an error that says why', (document, why) => {
  expect(() => parseXml(document)).toThrow(
    expect.objectContaining({ code: 'vsphere.protocol', message: expect.stringContaining(why) as string }),
  );
});

describe('encoding', () => {
  const self = { type: 'VirtualMachine', value: 'vm-1' };
  const body = (name: string, value: SoapValue | undefined): string =>
    /<\/_this>([^]*)<\/M>/.exec(envelope('M', self, [[name, value]]))?.[1] ?? '';

  it('writes elements in the order given', () => {
    expect(
      envelope('QueryChangedDiskAreas', self, [
        ['snapshot', { type: 'VirtualMachineSnapshot', value: 's-1' }],
        ['deviceKey', 2000],
        ['startOffset', 9007199254740993n],
        ['left', undefined],
        ['changeId', '*'],
      ]),
    ).toContain(
      '<_this type="VirtualMachine">vm-1</_this><snapshot type="VirtualMachineSnapshot">s-1</snapshot>' +
        '<deviceKey>2000</deviceKey><startOffset>9007199254740993</startOffset><changeId>*</changeId></QueryChangedDiskAreas>',
    );
  });

  it('writes lists as repeated elements, and nothing for an empty one', () => {
    expect(body('type', ['Folder', 'VirtualMachine'])).toBe('<type>Folder</type><type>VirtualMachine</type>');
    expect(body('type', [])).toBe('');
    expect(body('set', { xsiType: 'TraversalSpec', fields: [['skip', false]] })).toBe(
      '<set xsi:type="vim25:TraversalSpec"><skip>false</skip></set>',
    );
  });

  it('is read back as it was, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (said) => {
        // oxlint-disable-next-line no-control-regex -- what XML cannot hold
        const possible = said.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '');
        const read = parseXml(envelope('M', { type: said, value: said }, [['name', said]]));
        expect(text(read, 'Body.M.name')).toBe(possible);
        expect(text(read, 'Body.M._this')).toBe(possible);
      }),
    );
  });
});
