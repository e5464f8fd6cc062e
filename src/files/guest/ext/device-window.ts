import { readSync } from 'node:fs';

/** Of all windows together. */
const mostBytes = 4 * 1024 * 1024;

/** Reads of a device, many of them near one another, with few system calls. */
export class DeviceWindow {
  readonly #file: number;
  readonly #bytes: number;
  /** By the number of the window; that which was used last is at the end. */
  readonly #windows = new Map<number, Buffer>();

  /** @param bytes of a window: small where what is read lies apart */
  constructor(file: number, bytes = 256 * 1024) {
    this.#file = file;
    this.#bytes = bytes;
  }

  /** Good until the next call. @throws where the device has no such bytes */
  read(offset: number, length: number): Buffer {
    const windowBytes = this.#bytes;
    const number = Math.floor(offset / windowBytes);
    const start = offset - number * windowBytes;
    if (start + length <= windowBytes) return slice(this.#window(number), start, length);
    const whole = Buffer.allocUnsafe(length);
    let done = 0;
    for (let next = number; done < length; next++) {
      const from = Math.max(offset + done - next * windowBytes, 0);
      const part = slice(this.#window(next), from, Math.min(windowBytes - from, length - done));
      whole.set(part, done);
      done += part.length;
    }
    return whole;
  }

  #window(number: number): Buffer {
    const windowBytes = this.#bytes;
    let window = this.#windows.get(number);
    this.#windows.delete(number);
    if (!window) {
      const oldest = this.#windows.size * windowBytes < mostBytes ? undefined : this.#windows.keys().next().value;
      const room = oldest === undefined ? undefined : this.#windows.get(oldest)?.buffer;
      if (oldest !== undefined) this.#windows.delete(oldest);
      window = Buffer.from(room ?? new ArrayBuffer(windowBytes));
      window = window.subarray(0, readSync(this.#file, window, 0, windowBytes, number * windowBytes));
    }
    this.#windows.set(number, window);
    return window;
  }
}

function slice(window: Buffer, start: number, length: number): Buffer {
  if (start + length > window.length) throw new RangeError('beyond the end of the device');
  return window.subarray(start, start + length);
}
