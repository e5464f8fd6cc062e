/** A tar archive of one's own making: `tar` would not write these. Source: POSIX ustar, pax(1). */
export interface Member {
  readonly name: string;
  /** 0 file, 1 hard link, 2 symbolic link, 3 character device, 5 folder, 6 fifo, x pax header. Default: 0. */
  readonly type?: string;
  readonly link?: string;
  readonly content?: string;
  readonly mode?: number;
}

export const tarOf = (...members: readonly Member[]): Buffer =>
  Buffer.concat([...members.map(memberOf), Buffer.alloc(10_240)]);

function memberOf({ name, type = '0', link = '', content = '', mode = 0o644 }: Member): Buffer {
  const header = Buffer.alloc(512);
  const put = (text: string, at: number): void => void header.write(text, at, 'latin1');
  const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`;
  put(name, 0);
  put(octal(mode, 8), 100);
  put(octal(process.geteuid?.() ?? 0, 8), 108);
  put(octal(process.getegid?.() ?? 0, 8), 116);
  put(octal(content.length, 12), 124);
  put(octal(1_000_000_000, 12), 136);
  put(' '.repeat(8), 148);
  put(type, 156);
  put(link, 157);
  put('ustar\u000000', 257);
  if (type === '3') put(octal(1, 8) + octal(3, 8), 329);
  put(
    `${octal(
      header.reduce((sum, byte) => sum + byte, 0),
      7,
    )} `,
    148,
  );
  const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  body.write(content, 'latin1');
  return Buffer.concat([header, body]);
}

/** The records of a pax header. */
export const paxOf = (key: string, value: string): string => {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
};
