import { SendenseError } from '../errors/sendense-error.ts';
import { runTool } from './process.ts';

interface Tool {
  readonly package: string;
  /** Oldest version known to work: the one that Debian 12 has. */
  readonly minimum: string;
}

/** Every program that the product starts, with the Debian package that brings it. */
const tools: Readonly<Record<string, Tool>> = {
  'qemu-img': { package: 'qemu-utils', minimum: '6.2' },
  'qemu-nbd': { package: 'qemu-utils', minimum: '6.2' },
  'nbdkit': { package: 'nbdkit', minimum: '1.30' },
  'nbdcopy': { package: 'libnbd-bin', minimum: '1.12' },
};

/** The Debian package that brings a program; undefined where we do not know it. */
export const packageOfTool = (name: string): string | undefined => tools[name]?.package;

export interface ToolVersion {
  readonly name: string;
  readonly version: string;
}

/**
 * The version of each program, all asked at once.
 * @throws SendenseError `tool.missing`, `tool.version`
 */
export async function requireTools(names: readonly string[], signal?: AbortSignal): Promise<ToolVersion[]> {
  return Promise.all(names.map((name) => requireTool(name, signal)));
}

async function requireTool(name: string, signal?: AbortSignal): Promise<ToolVersion> {
  const { stdout, stderr } = await runTool(name, ['--version'], { signal, timeoutMs: 20_000 });
  const version = /\b([0-9]+\.[0-9]+(?:\.[0-9]+)*)/.exec(stdout || stderr)?.[1] ?? '0';
  const minimum = tools[name]?.minimum ?? '0';
  if (older(version, minimum)) {
    throw new SendenseError('tool.version', `${name} is version ${version}; at least ${minimum} is needed (Debian package ${packageOfTool(name) ?? name})`);
  }
  return { name, version };
}

function older(version: string, minimum: string): boolean {
  const have = version.split('.').map(Number);
  const want = minimum.split('.').map(Number);
  for (let index = 0; index < want.length; index++) {
    const difference = (have[index] ?? 0) - (want[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
