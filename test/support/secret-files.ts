import { readdirSync } from 'node:fs';

/** Names of the files of this machine through which programs are given secrets (`src/host/images/secret-descriptor.ts`), of all tests that run. */
export const secretFiles = (): string[] => readdirSync('/dev/shm').filter((name) => name.startsWith('.sendense-'));
