/** RFC 4251, section 5: a string is its length in four bytes, then its bytes. */
export function sshString(value: string | Buffer): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** The string that begins at `offset`; null where it would end beyond the buffer. */
export function readField(buffer: Buffer, offset: number): Buffer | null {
  if (offset + 4 > buffer.length) return null;
  const end = offset + 4 + buffer.readUInt32BE(offset);
  return end > buffer.length ? null : buffer.subarray(offset + 4, end);
}

/** The strings that make up the whole buffer; null where it is anything else. */
export function readFields(buffer: Buffer): Buffer[] | null {
  const fields: Buffer[] = [];
  for (let offset = 0; offset < buffer.length;) {
    const field = readField(buffer, offset);
    if (field === null) return null;
    fields.push(field);
    offset += 4 + field.length;
  }
  return fields;
}
