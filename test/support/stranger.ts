import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Another user of this machine (65534) who listens where a node should, answers as one might, and keeps what comes. */
export interface Stranger extends AsyncDisposable {
  readonly heard: () => string;
  readonly connections: () => number;
}

const program = `
const { createServer } = require('node:net');
const answer = 'HTTP/1.1 200 OK\\r\\ncontent-type: application/json\\r\\ncontent-length: 2\\r\\n\\r\\n{}';
createServer((socket) => {
  process.stdout.write('connected\\n');
  socket.on('error', () => {}).on('data', (data) => {
    process.stdout.write('heard ' + data.toString('base64') + '\\n');
    socket.write(answer);
  });
}).listen(Number(process.argv[1]), '127.0.0.1', () => process.stdout.write('listening\\n'));
`;

/** For tests that run as root. */
export async function strangerAt(port: number): Promise<Stranger> {
  const child = spawn(
    'setpriv',
    ['--reuid', '65534', '--regid', '65534', '--clear-groups', '--', process.execPath, '-e', program, String(port)],
    { cwd: '/', stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env['PATH'] } },
  );
  let said = '';
  child.stdout.on('data', (text: Buffer) => (said += text.toString()));
  while (!said.includes('listening')) {
    if (child.exitCode !== null) throw new Error('the stranger cannot listen');
    await once(child.stdout, 'data');
  }
  const heard = (): string =>
    [...said.matchAll(/^heard (.*)$/gm)]
      .map(([, text = '']) => Buffer.from(text, 'base64').toString('latin1'))
      .join('');
  return {
    heard,
    connections: () => [...said.matchAll(/^connected$/gm)].length,
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit');
      if (child.exitCode === null) {
        child.kill('SIGKILL');
        await ended;
      }
    },
  };
}
