import { SendenseError } from '../errors/sendense-error.ts';
import { layersOf, type ImageLayer } from './image-layers.ts';

/** The key of encrypted images. The passphrase is a secret. */
export interface ImageKey {
  /** What it is told by: 16 hex digits that follow from it, see `src/repository/image-keys.ts`. */
  readonly id: string;
  readonly passphrase: string;
}

/**
 * How qemu-img, qemu-nbd and qemu-system are told to open an image. For one whose chain is not encrypted that is its name; else a
 * `json:` description of the whole chain, because each layer has to be told its key.
 */
export interface ImageTarget {
  /** Stands where a file name would. */
  readonly name: string;
  /** `-f qcow2`, where it is a plain name. */
  readonly format: readonly string[];
  /** `--object secret,…`: must come before `name`. */
  readonly objects: readonly string[];
  /** For `runTool`, which hands it to the program as {@link secretFile}. */
  readonly secret: string | undefined;
}

/** By this name an image's options refer to the key. */
export const secretId = 'sendense';

/** Where the program that {@link ImageTarget.objects} is given to finds the key: `runTool` puts it there. */
export const secretFile = '/dev/fd/3';

export const secretObjects = ['--object', `secret,id=${secretId},format=raw,file=${secretFile}`];

interface TargetOptions {
  readonly key?: ImageKey | null | undefined;
  /** Only the file itself: its backing files are not opened. */
  readonly alone?: boolean;
  /** Also while another program has it open for writing. */
  readonly forceShare?: boolean;
}

/**
 * How to open a qcow2 with all that it is built on, as it stands now. Without a key that is by its name.
 * @param file absolute path
 * @throws SendenseError `file.unreadable`, `source.unsupported`
 */
export async function imageTarget(file: string, options: TargetOptions = {}): Promise<ImageTarget> {
  if (!options.key && !options.alone && !options.forceShare) return plainTarget(file);
  const layers = await layersOf(file);
  const wanted = options.alone ? layers.slice(0, 1) : layers;
  return targetOf(wanted, options);
}

/**
 * {@link imageTarget} of layers that are known, newest first.
 * @throws SendenseError `repository.key` where one is encrypted and there is no key
 */
export function targetOf(layers: readonly ImageLayer[], { key, alone, forceShare }: TargetOptions = {}): ImageTarget {
  const [top] = layers;
  if (!top) throw new SendenseError('run.internal', 'an image without a file');
  const locked = layers.find((layer) => layer.encrypted);
  if (!locked && !alone && !forceShare) return plainTarget(top.file);
  if (locked && !key)
    throw new SendenseError('repository.key', `${locked.file} is encrypted, and there is no key for it`);
  // Backing files go by what the headers say: an argument holds 128 KiB, and a long chain of long names more.
  const open = layers.reduceRight<object | null>(
    (backing, { encrypted }) => ({
      driver: 'qcow2',
      ...(encrypted ? { encrypt: { 'key-secret': secretId } } : {}),
      ...(backing || alone ? { backing } : {}),
    }),
    null,
  );
  return {
    name: `json:${JSON.stringify({ ...open, file: { driver: 'file', filename: top.file }, ...(forceShare ? { 'force-share': true } : {}) })}`,
    format: [],
    objects: locked ? secretObjects : [],
    secret: locked ? key?.passphrase : undefined,
  };
}

/** A file of which it is known that nothing of it is encrypted. */
export const plainTarget = (file: string, format = 'qcow2'): ImageTarget => ({
  name: file,
  format: ['-f', format],
  objects: [],
  secret: undefined,
});

/**
 * Milliseconds of hashing that a guess of the key shall cost. A key has 256 random bits, so that no number of guesses finds it and
 * stretching it gains nothing, but each image of a chain is unlocked each time that it is opened.
 */
const iterationMs = 10;

/** `-o` of a new encrypted image, and what must come before it; nothing without a key. */
export function encryptionOptions(key: ImageKey | null | undefined): {
  readonly options: readonly string[];
  readonly objects: readonly string[];
  readonly secret: string | undefined;
} {
  if (!key) return { options: [], objects: [], secret: undefined };
  const options = [
    'encrypt.format=luks',
    `encrypt.key-secret=${secretId}`,
    'encrypt.cipher-alg=aes-256',
    'encrypt.cipher-mode=xts',
    'encrypt.ivgen-alg=plain64',
    'encrypt.hash-alg=sha256',
    `encrypt.iter-time=${iterationMs}`,
  ];
  return { options, objects: secretObjects, secret: key.passphrase };
}
