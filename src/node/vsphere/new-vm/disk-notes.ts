import type { SoapObject } from '../encode-soap.ts';
import { list, optionalText, type XmlValue } from '../xml.ts';

/** What an unfinished VM remembers, in its own configuration: a node that begins again has nothing else. */
export interface DiskNotes {
  /** Keys, in the saved configuration, of the disks that something may have been written to. */
  readonly begun: ReadonlySet<number>;
  /** Of those that are copied whole: they are not copied again. */
  readonly copied: ReadonlySet<number>;
  /** VMs that bring disks, by the key of the disk, until their disks are there. See `carrier.ts`. */
  readonly carriers: ReadonlyMap<number, Carrier>;
  /** Digest of what was asked for when it was made; null: nobody said. */
  readonly asked: string | null;
  /** Managed object id of the VM that has them; another VM that has them is a copy. Null: it is being made. */
  readonly vm: string | null;
  /** Digests of how it was when it was made, see `vm-traces.ts`; null: it is being made. */
  readonly hardware: string | null;
  readonly starts: string | null;
  /** How many disks it is made with; null: an older version made it. */
  readonly disks: number | null;
}

export interface Carrier {
  /** Managed object id. */
  readonly vm: string;
  /** That of the lease by which its disk comes; null: the disk is whole. */
  readonly lease: string | null;
}

/** Disks that need not be copied again. */
export const wholeDisks = ({ copied, carriers }: Pick<DiskNotes, 'copied' | 'carriers'>): ReadonlySet<number> =>
  new Set([...copied, ...[...carriers].filter(([, { lease }]) => lease === null).map(([key]) => key)]);

const option = 'sendense.disks';

/** Of a VM that is being made. */
export const freshNotes = (asked: string | null, disks: number | null): DiskNotes => ({
  begun: new Set(),
  copied: new Set(),
  carriers: new Map(),
  asked,
  vm: null,
  hardware: null,
  starts: null,
  disks,
});

/** @returns null: there are none */
export function diskNotesIn(extraConfig: XmlValue | undefined): DiskNotes | null {
  const found = list(extraConfig, 'OptionValue').find((one) => optionalText(one, 'key') === option);
  return found ? readNotes(optionalText(found, 'value') ?? '') : null;
}

/** @returns null: these are none */
export function readNotes(value: string): DiskNotes | null {
  const words = new Map(value.split(' ').map((word) => splitAtFirst(word, '=')));
  if (!words.has('begun')) return null;
  const keys = (name: string): Set<number> =>
    new Set(
      (words.get(name) ?? '')
        .split(',')
        .filter((word) => /^\d{1,9}$/.test(word))
        .map(Number),
    );
  const word = (name: string, form: RegExp): string | null => {
    const text = words.get(name) ?? '';
    return form.test(text) ? text : null;
  };
  return {
    begun: keys('begun'),
    copied: keys('copied'),
    carriers: carriersIn(words.get('carriers') ?? ''),
    asked: word('asked', digestForm),
    vm: word('vm', /^[A-Za-z0-9_.-]{1,100}$/),
    hardware: word('hardware', digestForm),
    starts: word('starts', digestForm),
    disks: numberOf(word('disks', /^\d{1,4}$/)),
  };
}

const numberOf = (word: string | null): number | null => (word === null ? null : Number(word));

const digestForm = /^[0-9a-f]{64}$/;
const carrierForm = /^(\d{1,9}):([A-Za-z0-9_.-]{1,100}):(.{0,300})$/;

const carriersIn = (text: string): ReadonlyMap<number, Carrier> =>
  new Map(
    text.split(',').flatMap((word) => {
      const [, key, vm, lease = ''] = carrierForm.exec(word) ?? [];
      if (key === undefined || vm === undefined) return [];
      return [[Number(key), { vm, lease: lease === '' ? null : decoded(lease) }] as const];
    }),
  );

/** What somebody else has written there is no lease: it is told so when it is asked about. */
function decoded(word: string): string {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}

function splitAtFirst(word: string, sign: string): [string, string] {
  const [name = '', ...rest] = word.split(sign);
  return [name, rest.join(sign)];
}

export function notesText({ begun, copied, carriers, ...words }: DiskNotes): string {
  // The id of a lease may have any sign.
  const brought = [...carriers].map(([key, { vm, lease }]) => `${key}:${vm}:${encodeURIComponent(lease ?? '')}`);
  const rest = Object.entries(words).map(([name, value]) => `${name}=${value ?? ''}`);
  const keys = [`begun=${[...begun].join(',')}`, `copied=${[...copied].join(',')}`];
  return [...keys, ...(brought.length > 0 ? [`carriers=${brought.join(',')}`] : []), ...rest].join(' ');
}

export const notesOption = (notes: DiskNotes): SoapObject => optionOf(notesText(notes));

/** An empty value removes the key (vSphere API reference, VirtualMachineConfigSpec.extraConfig). */
export const noDiskNotes = (): SoapObject => optionOf('');

const optionOf = (value: string): SoapObject => ({
  xsiType: 'OptionValue',
  fields: [
    ['key', option],
    ['value', { string: value }],
  ],
});
