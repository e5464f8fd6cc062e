import { execFileSync } from 'node:child_process';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { hostileText } from './hostile.ts';

/** What may stand under a name in a folder that somebody else can write to. */
export type Kind = 'file' | 'folder' | 'filled' | 'link' | 'link-out' | 'lost' | 'loop' | 'pipe' | 'socket' | 'sparse';
const kinds: readonly Kind[] = [
  ...Array<Kind>(5).fill('file'),
  'folder',
  'filled',
  'link',
  'link-out',
  'lost',
  'loop',
  'pipe',
  'socket',
  'sparse',
];

export interface Entry {
  /** Relative to the tree. */
  readonly path: string;
  readonly kind: Kind;
  readonly content: Buffer;
}

/** A name as the kernel takes it. */
const fileName = hostileText
  .map((text) => Buffer.from(text.replaceAll(/[/\0]/g, '_')).subarray(0, 250).toString('utf8').replaceAll('\ufffd', ''))
  .filter((name) => name !== '' && name !== '.' && name !== '..');

/** @param places folders of the tree, there or not; @param names that mean something in them */
export const hostileEntries = (
  places: readonly string[],
  names: readonly string[],
  content: fc.Arbitrary<Buffer>,
): fc.Arbitrary<readonly Entry[]> =>
  fc.array(
    fc.record({
      path: fc
        .tuple(
          fc.constantFrom(...places),
          fc.oneof(
            { weight: 6, arbitrary: fc.constantFrom(...names) },
            { weight: 1, arbitrary: fileName },
            {
              weight: 1,
              arbitrary: fc.tuple(fileName, fc.constantFrom(...names)).map(([a, b]) => `${a.slice(0, 40)}${b}`),
            },
          ),
        )
        .map((parts) => join(...parts)),
      kind: fc.constantFrom(...kinds),
      content,
    }),
    { minLength: 1, maxLength: 4, size: 'max' },
  );

/** More than any text that is read whole. */
const sparseBytes = 65 * 1024 * 1024;

/** Makes trees in a folder of its own, beside one that nobody may touch. */
export class Trees implements Disposable {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), 'sendense-fuzz-')));
  readonly #outside = join(this.path, 'outside');
  readonly #pipe = join(this.path, 'pipe');
  readonly #socket = join(this.path, 'socket');
  readonly #server: Server;
  readonly #before: string;

  /** @param secret what stands in the file outside, which no output may hold */
  constructor(secret: string) {
    mkdirSync(join(this.#outside, '20260101T000000Z'), { recursive: true });
    writeFileSync(join(this.#outside, '20260101T000000Z', 'keep'), 'keep');
    for (const name of ['secret', 'b1.json', 'alive']) writeFileSync(join(this.#outside, name), secret);
    execFileSync('mkfifo', [this.#pipe]);
    this.#server = createServer().listen(this.#socket).unref();
    this.#before = this.#state();
  }

  #state(): string {
    const names = readdirSync(this.#outside, { recursive: true, encoding: 'utf8' }).toSorted();
    return JSON.stringify([names, readFileSync(join(this.#outside, 'secret'), 'utf8')]);
  }

  /** @throws Error where something outside was made, changed or removed */
  assertOutside(): void {
    if (this.#state() !== this.#before) throw new Error(`${this.#outside} was changed: ${this.#state()}`);
  }

  /** Puts it in the place of what is there. A place that cannot be is passed over. */
  place(root: string, { path, kind, content }: Entry): void {
    const file = join(root, path);
    try {
      // An earlier entry is a link: what is made behind it would be elsewhere.
      for (let folder = dirname(path); folder !== '.'; folder = dirname(folder))
        if (lstatSync(join(root, folder), { throwIfNoEntry: false })?.isSymbolicLink()) return;
      mkdirSync(dirname(file), { recursive: true });
      rmSync(file, { recursive: true, force: true });
      this.#make(file, kind, content);
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      // An earlier entry is a file.
      if (!['ENOTDIR', 'EEXIST', 'ENOENT', 'ELOOP', 'ENAMETOOLONG', 'EINVAL', 'ENXIO', 'EISDIR'].includes(code))
        throw error;
    }
  }

  #make(file: string, kind: Kind, content: Buffer): void {
    switch (kind) {
      case 'file':
        return writeFileSync(file, content);
      case 'folder':
        return void mkdirSync(file);
      case 'filled':
        mkdirSync(join(file, 'a', 'b'), { recursive: true });
        return writeFileSync(join(file, 'a', 'b', 'c'), content);
      case 'link':
        return symlinkSync(join(this.#outside, 'secret'), file);
      case 'link-out':
        return symlinkSync(this.#outside, file);
      case 'lost':
        return symlinkSync('nothing', file);
      case 'loop':
        return symlinkSync(file, file);
      // A second name for the one that is there: no program has to be started.
      case 'pipe':
        return linkSync(this.#pipe, file);
      case 'socket':
        return linkSync(this.#socket, file);
      case 'sparse':
        writeFileSync(file, content);
        return truncateSync(file, sparseBytes);
    }
  }

  [Symbol.dispose](): void {
    this.#server.close();
    rmSync(this.path, { recursive: true, force: true });
  }
}
