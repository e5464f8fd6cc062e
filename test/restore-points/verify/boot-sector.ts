/** 32 bytes of machine code, so that the text begins at 0x7c20. */
const code = [
  'fa', // cli
  '31c0 8ed8', // xor ax, ax; mov ds, ax
  'be207c', // mov si, 0x7c20
  'ac', // next: lodsb
  '84c0 7410', // test al, al; jz end
  '50', // push ax
  'bafd03', // mov dx, 0x3fd: the line status
  'ec a820 74fb', // wait: in al, dx; test al, 0x20; jz wait
  '58', // pop ax
  'baf803 ee', // mov dx, 0x3f8; out dx, al
  'ebeb', // jmp next
  'f4 ebfd', // end: hlt; jmp end
];

/**
 * The boot sector of a PC that writes a text to its first serial port and halts, by hand: a guest that is up in no time.
 * Without a text it only halts.
 */
export function bootSector(text: string): Buffer {
  const sector = Buffer.alloc(512);
  const program = Buffer.from(code.join('').replaceAll(' ', ''), 'hex');
  program.copy(sector);
  sector.write(text, program.length, 'latin1');
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}
