/** So many buffers of one size wait for whoever reads next; more are left to the collector. */
const mostSpare = 16;

const spare = new Map<number, Buffer<ArrayBuffer>[]>();

/**
 * A buffer to read pieces into, whose content is whatever was in it. A hub verifies one disk after another in the same process: the
 * memory that they take follows from how many are read at once, and not from how many there are. Memory outside of V8's heap is also
 * what makes V8 collect: each 64 MiB of it cost 50 ms of processor time.
 */
export const takeBuffer = (bytes: number): Buffer<ArrayBuffer> =>
  spare.get(bytes)?.pop() ?? Buffer.allocUnsafeSlow(bytes);

/** For the next one. Only when nobody reads into it or writes from it any more. */
export function giveBuffer(buffer: Buffer<ArrayBuffer>): void {
  const others = spare.get(buffer.length);
  if (others === undefined) spare.set(buffer.length, [buffer]);
  else if (others.length < mostSpare) others.push(buffer);
}

/** {@link takeBuffer} for as long as a block lasts, within which every read is waited for. */
export function lendBuffer(bytes: number): { readonly buffer: Buffer<ArrayBuffer> } & Disposable {
  const buffer = takeBuffer(bytes);
  return { buffer, [Symbol.dispose]: () => giveBuffer(buffer) };
}
