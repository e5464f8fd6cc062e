import { SendenseError } from '../../errors/sendense-error.ts';
import { runTool } from './process.ts';
import { knownTools, packageOfTool } from './known-tools.ts';

export interface ToolVersion {
  readonly name: string;
  readonly version: string;
}

/** How long an answer counts: a run asks several times, and an agent that lives for months must notice an upgrade. */
const freshMs = 60_000;
const asked = new Map<string, { readonly at: number; readonly answer: Promise<ToolVersion> }>();

/**
 * The version of each program, all asked at once.
 * @throws SendenseError `tool.missing`, `tool.version`
 */
export async function requireTools(names: readonly string[], signal?: AbortSignal): Promise<ToolVersion[]> {
  signal?.throwIfAborted();
  return Promise.all(names.map(remembered));
}

function remembered(name: string): Promise<ToolVersion> {
  const before = asked.get(name);
  if (before && performance.now() - before.at < freshMs) return before.answer;
  const answer = requireTool(name);
  asked.set(name, { at: performance.now(), answer });
  answer.catch(() => asked.delete(name));
  return answer;
}

async function requireTool(name: string): Promise<ToolVersion> {
  const { stdout, stderr } = await runTool(name, ['--version'], { timeoutMs: 20_000 });
  const version = /\b([0-9]+\.[0-9]+(?:\.[0-9]+)*)/.exec(stdout || stderr)?.[1] ?? '0';
  const minimum = knownTools[name]?.minimum ?? '0';
  if (older(version, minimum)) {
    throw new SendenseError(
      'tool.version',
      `${name} is version ${version}; at least ${minimum} is needed (Debian package ${packageOfTool(name) ?? name})`,
    );
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
