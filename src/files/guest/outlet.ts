import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import { chunkBytes, chunkWindow, inlineBytes } from '../protocol.ts';
import { GuestError } from './guest-error.ts';

/** Of answers that have ended. To make one for each answer has the guest collect its garbage after every few of them. */
const spare: Buffer[] = [];
const mostSpare = 2;

/**
 * Where the bytes of one answer go: to files `<id>.<n>` of a folder that the hub empties, never more than a few at a time; what is left
 * at the end, if it is little, to the answer's own line.
 */
export class Outlet {
  readonly #id: number;
  readonly #folder: string;
  readonly #tell: (chunk: number, bytes: number) => void;
  #waiting: Buffer | null = null;
  #filled = 0;
  #written = 0;
  #taken = 0;
  #cancelled = false;
  #wake: () => void = () => undefined;

  constructor(id: number, folder: string, tell: (chunk: number, bytes: number) => void) {
    this.#id = id;
    this.#folder = folder;
    this.#tell = tell;
  }

  get cancelled(): boolean {
    return this.#cancelled;
  }

  taken(chunk: number): void {
    this.#taken = Math.max(this.#taken, chunk + 1);
    this.#wake();
  }

  cancel(): void {
    this.#cancelled = true;
    this.#wake();
  }

  /** Copies the bytes; waits while the hub has enough to do. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const room = Math.min(chunkBytes - this.#filled, bytes.length - at);
      this.#buffer().set(bytes.subarray(at, at + room), this.#filled);
      this.#filled += room;
      at += room;
      if (this.#filled === chunkBytes) await this.#hand();
    }
    this.assertWanted();
  }

  /** A place for at most `chunkBytes`, to be filled at once; `filled` says how much it was. */
  async place(): Promise<Buffer> {
    if (this.#filled === chunkBytes) await this.#hand();
    this.assertWanted();
    return this.#buffer().subarray(this.#filled);
  }

  filled(bytes: number): void {
    this.#filled += bytes;
  }

  /** Hands over what is there, so that somebody sees it; of little use for less than some kB. */
  async flush(): Promise<void> {
    if (this.#filled > 0) await this.#hand();
  }

  /** @returns what goes into the answer's own line, base64 */
  async end(): Promise<string | undefined> {
    if (this.#filled === 0) return undefined;
    if (this.#filled <= inlineBytes) return this.#buffer().toString('base64', 0, this.#filled);
    await this.#hand();
    return undefined;
  }

  /** Nobody writes to it any more. */
  release(): void {
    if (this.#waiting && spare.length < mostSpare) spare.push(this.#waiting);
    this.#waiting = null;
  }

  #buffer(): Buffer {
    return (this.#waiting ??= spare.pop() ?? Buffer.allocUnsafe(chunkBytes));
  }

  /** Lets others work. @throws GuestError `cancelled` */
  async breathe(): Promise<void> {
    await breathe();
    this.assertWanted();
  }

  assertWanted(): void {
    if (this.#cancelled) throw new GuestError('cancelled', 'nobody wants it any more');
  }

  async #hand(): Promise<void> {
    while (this.#written - this.#taken >= chunkWindow) {
      this.assertWanted();
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    this.assertWanted();
    const chunk = this.#written++;
    const file = openSync(
      `${this.#folder}/${this.#id}.${chunk}`,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
      0o600,
    );
    try {
      for (let at = 0; at < this.#filled;) at += writeSync(file, this.#buffer(), at, this.#filled - at);
    } finally {
      closeSync(file);
    }
    this.#tell(chunk, this.#filled);
    this.#filled = 0;
  }
}
