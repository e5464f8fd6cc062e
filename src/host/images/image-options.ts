import { SendenseError } from '../../errors/sendense-error.ts';
import { layersOf, type ImageLayer } from './image-layers.ts';

/** The key of encrypted images. The passphrase is a secret. */
export interface ImageKey {
  /** What it is told by: 16 hex digits that follow from it, see `src/repository/image-keys.ts`. */
  readonly id: string;
  readonly passphrase: string;
}

/**
 * How qemu-img, qemu-nbd and qemu-system are told to open an image: one of a repository by a `json:` description of the whole chain, so
 * that no program follows a name or a format that a header has, and each layer can be told its key; another one by its name.
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
 * How to open a qcow2 of a repository with all that it is built on, as it stands now.
 * @param file absolute path
 * @throws SendenseError `chain.damaged` where a file of the chain is none of ours, `file.unreadable`, `repository.key`
 */
export async function imageTarget(file: string, options: TargetOptions = {}): Promise<ImageTarget> {
  const layers = await layersOf(file);
  return targetOf(options.alone ? layers.slice(0, 1) : layers, options);
}

/**
 * How to open an overlay that this process has made on an image of a repository.
 * @param on the image, absolute path
 * @throws as {@link imageTarget}
 */
export async function overlayTarget(
  overlay: string,
  on: string,
  { key, encrypted }: { readonly key: ImageKey | null; readonly encrypted: boolean },
): Promise<ImageTarget> {
  return targetOf([{ file: overlay, encrypted }, ...(await layersOf(on))], { key });
}

/**
 * So many files of a chain are named. The time that QEMU takes to read a description grows with the third power of its depth: nothing
 * can be measured for 24, 32 cost 30 ms each time that the chain is opened, 100 cost 1.6 s, 400 a minute (QEMU 7.2).
 */
const mostNamed = 24;

/**
 * {@link imageTarget} of layers that are known, newest first.
 * @throws SendenseError `repository.key` where one is encrypted and there is no key
 */
export function targetOf(layers: readonly ImageLayer[], { key, alone, forceShare }: TargetOptions = {}): ImageTarget {
  const [top] = layers;
  if (!top) throw new SendenseError('run.internal', 'an image without a file');
  const locked = layers.find((layer) => layer.encrypted);
  if (locked && !key)
    throw new SendenseError('repository.key', `${locked.file} is encrypted, and there is no key for it`);
  const graph = graphOf(alone ? layers.slice(0, 1) : layers);
  return {
    name: `json:${JSON.stringify({ ...graph, ...(forceShare ? { 'force-share': true } : {}) })}`,
    format: [],
    objects: locked ? secretObjects : [],
    secret: locked ? key?.passphrase : undefined,
  };
}

/**
 * Names each file itself, so that none is found by what a header says. What is deeper in a long chain goes by the headers, which were
 * read just now, and of which each names a qcow2 beside it; where it is encrypted each layer has to be told its key all the same.
 */
function graphOf(layers: readonly ImageLayer[]): object | null {
  const deep = layers.length > mostNamed && !layers.some(({ encrypted }) => encrypted);
  return (deep ? layers.slice(0, mostNamed) : layers).reduceRight<object | null>(
    (backing, { file, encrypted }, at) => ({
      driver: 'qcow2',
      ...(encrypted ? { encrypt: { 'key-secret': secretId } } : {}),
      ...(at < mostNamed ? { file: { driver: 'file', filename: file } } : {}),
      // Left out, the header counts.
      ...(deep && at === mostNamed - 1 ? {} : { backing }),
    }),
    null,
  );
}

/** A part of an image, as an image of its own; both must be described, not named. Bytes, whole sectors. Source: QEMU, block/raw-format.c. */
export function partOf<I extends Pick<ImageTarget, 'name'>>(
  image: I,
  { offset, length }: { readonly offset: number; readonly length: number },
): I {
  const file = JSON.parse(image.name.replace(/^json:/, '')) as object;
  return { ...image, name: `json:${JSON.stringify({ driver: 'raw', offset, size: length, file })}` };
}

/** A file that is none of a repository, or that a program of ours has just made: not encrypted, and whatever its header names counts. */
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
