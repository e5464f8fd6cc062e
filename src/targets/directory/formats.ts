import type { ImageFormat } from '../../host/images/qemu-img.ts';
import type { ToOf } from '../target-kind.ts';

type To = ToOf<'directory'>;
export type FormatName = To['format'];

/** A format of restored files. */
export interface FileFormat {
  /** QEMU's name of it. */
  readonly driver: ImageFormat;
  readonly extension: string;
  /** `-o` of qemu-img. */
  readonly options?: (to: To) => string;
  /** Is written from start to end, by `../pack-disk.ts`; nobody knows before how much it takes, for it is compressed. */
  readonly isStream?: boolean;
}

/**
 * zlib-compressed, as OVF wants it. Not by qemu-img: what it writes under this name has its tables first, and other programs than QEMU do
 * not open it (7-Zip 26).
 */
const stream: FileFormat = { driver: 'vmdk', extension: 'vmdk', isStream: true };

/** Every format, as plans and `--format` name it. */
export const formats: { readonly [N in FormatName]: FileFormat } = {
  'raw': { driver: 'raw', extension: 'raw' },
  'qcow2': { driver: 'qcow2', extension: 'qcow2' },
  'vmdk': { driver: 'vmdk', extension: 'vmdk', options: ({ subformat }) => `subformat=${subformat}` },
  'vmdk-stream': stream,
  // As Hyper-V makes them: it grows.
  'vhdx': { driver: 'vhdx', extension: 'vhdx', options: () => 'subformat=dynamic' },
};

export const formatNames = Object.keys(formats) as FormatName[];

/** `vmdk` with this subformat is what has a name of its own since. */
export const formatOf = (to: Pick<To, 'format' | 'subformat'>): FileFormat =>
  to.format === 'vmdk' && to.subformat === 'streamOptimized' ? stream : formats[to.format];
