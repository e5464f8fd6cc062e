import { existsSync } from 'node:fs';
import { execa } from 'execa';
import { readyProgram } from './ready-program.ts';
import type { Vcenter } from './start-vcenter.ts';

export interface GovcResult {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** govc of govmomi: a client of vSphere that administrators use, and that shares no line with ours. */
export interface Govc {
  /** Its words as on the command line, such as `run('vm.info', 'pgtest1')`. */
  run(...words: readonly string[]): Promise<GovcResult>;
  /** What it prints; an error if it fails. */
  says(...words: readonly string[]): Promise<string>;
  /** Commands of a page of the documentation, as a shell runs them. */
  shell(commands: string): Promise<GovcResult>;
}

const limitMs = 120_000;

export async function govcOf(
  vcenter: Pick<Vcenter, 'url' | 'user' | 'password' | 'datastore'>,
  /** govc keeps its session below this folder. */
  home: string,
): Promise<Govc> {
  const { govc } = await readyProgram();
  if (!existsSync(govc)) throw new Error(`${govc} is missing: ./setup.sh --tests true says why`);
  const env = {
    HOME: home,
    PATH: `${govc.slice(0, govc.lastIndexOf('/'))}:${process.env['PATH'] ?? ''}`,
    GOVC_URL: vcenter.url,
    GOVC_USERNAME: vcenter.user,
    GOVC_PASSWORD: vcenter.password,
    GOVC_INSECURE: '1',
    GOVC_DATASTORE: vcenter.datastore,
    GOVC_NETWORK: 'VM Network',
  };
  const call = async (file: string, words: readonly string[]): Promise<GovcResult> => {
    const { exitCode, stdout, stderr } = await execa(file, words, { env, reject: false, timeout: limitMs });
    return { exitCode, stdout, stderr };
  };
  return {
    run: (...words) => call('govc', words),
    says: async (...words) => {
      const { exitCode, stdout, stderr } = await call('govc', words);
      if (exitCode !== 0) throw new Error(`govc ${words.join(' ')}: ${stderr}`);
      return stdout;
    },
    shell: (commands) => call('sh', ['-euc', commands]),
  };
}
