import { execa } from 'execa';

/** A disk image as 7-Zip reads it, which has no line in common with QEMU. */
export async function readBy7zip(file: string, format: 'vmdk' | 'vhdx' | 'qcow'): Promise<Buffer> {
  const { stdout } = await execa('7zz', ['x', '-so', `-t${format}`, file], {
    encoding: 'buffer',
    // Else a last byte of 0x0a would be missing.
    stripFinalNewline: false,
    maxBuffer: 2 ** 30,
  });
  return Buffer.from(stdout);
}
