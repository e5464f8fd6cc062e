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
  /** Must be written from start to end; nobody knows before how much it takes, for it is compressed. */
  readonly isStream?: boolean;
}

/**
 * zlib-compressed, as OVF wants it. ESXi takes no header of version 1, which `compat6` rules out. Source: qemu-img(1), and the formats that
 * uploads to vSphere take.
 */
const stream: FileFormat = {
  driver: 'vmdk',
  extension: 'vmdk',
  options: () => 'subformat=streamOptimized,adapter_type=lsilogic,compat6=on',
  isStream: true,
};

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
