import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { losesRegisters, registers, unfitRegisters } from '../../../../src/files/reader/kinds/uml-registers.ts';
import { compiled } from '../../../support/compiled.ts';
import { runGuest } from '../../fixtures/run-guest.ts';

test('programs of the guest keep their registers, whatever processor this machine has', async () => {
  const program = await compiled(join(import.meta.dirname, 'keeps-registers.c'), ['-static', '-pthread', '-mavx2']);
  const folder = mkdtempSync(join(tmpdir(), 'registers-'));
  try {
    mkdirSync(join(folder, 'scripts'));
    copyFileSync(program, join(folder, 'program'));
    writeFileSync(join(folder, 'scripts/one'), '/work/program\n');
    expect(await runGuest({ folder, disks: [] })).toMatch(/^(wrong: 0|no such registers)\r?$/m);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the library is there, so every processor will do', () => {
  expect(existsSync(registers)).toBe(true);
  expect(unfitRegisters()).toBeNull();
});

test('without it, old kernels on processors with AMX will not do', () => {
  const amx = 'processor\t: 0\nflags\t\t: fpu avx2 amx_bf16 amx_tile amx_int8\n';
  const versions = ['6.1.176\n', '6.12.3\n', '6.13.0\n', '7.2.1\n', ''];
  expect(versions.filter((version) => losesRegisters(amx, version))).toEqual(['6.1.176\n', '6.12.3\n']);
  expect(versions.filter((version) => losesRegisters('flags\t\t: fpu avx2\n', version))).toEqual([]);
});
