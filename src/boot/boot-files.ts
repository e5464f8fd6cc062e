import { join } from 'node:path';
import { guestPidName } from '../host/images/qemu-system.ts';

/** What is in the folder of a VM that runs from a restore point. Its programs work in that folder, so that a long path fits into no socket's name. */

/** What the guest writes to a disk. */
export const overlayName = (number: number): string => `disk-${number}.qcow2`;
/** Where the chain of a disk is served. */
export const serverSocketName = (number: number): string => `disk-${number}.sock`;
export const serverPidFile = (folder: string, number: number): string => join(folder, `disk-${number}.pid`);
export const guestPidFile = (folder: string): string => join(folder, guestPidName);
export const monitorName = 'qmp.sock';
/** Where the agent in the guest is asked, if the VM has a port for it. */
export const agentName = 'agent.sock';
export const vncName = 'vnc.sock';
export const variablesName = 'efi-variables.fd';
/** How far its data has moved. */
export const journalName = 'move.json';
/** What the guest wrote to its first serial port. */
export const serialLog = (folder: string): string => join(folder, 'serial.log');
export const firmwareLog = (folder: string): string => join(folder, 'firmware.log');
/** What the programs themselves have to say. */
export const programLog = (folder: string): string => join(folder, 'programs.log');
