/** CRC-32C, as ext4 has it over its metadata: reflected, without the inversion at the end. */
const table = new Uint32Array(256).map((_zero, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

/** @param from what it was after the bytes before */
export function crc32c(from: number, bytes: Uint8Array, start = 0, end = bytes.length): number {
  let value = from;
  for (let at = start; at < end; at++) value = (table[(value ^ (bytes[at] ?? 0)) & 0xff] ?? 0) ^ (value >>> 8);
  return value >>> 0;
}

export function crc32cOfNumber(from: number, number: number): number {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(number);
  return crc32c(from, bytes);
}
