import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** Receives datagrams and prints each as a line of JSON. What systemd-notify sends a descriptor with is its barrier: closed at once. */
const receiver = `
import json, os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print(json.dumps('bound'), flush=True)
while True:
    data, fds, _, _ = socket.recv_fds(s, 65536, 8)
    for fd in fds: os.close(fd)
    print(json.dumps(data.decode()), flush=True)
`;

export interface NotifySocket extends AsyncDisposable {
  readonly path: string;
  /** All assignments so far, such as `READY=1`. */
  readonly said: readonly string[];
  /** Resolves when it was said as often as this. */
  heard(assignment: string, times?: number): Promise<void>;
}

/** The end of systemd in sd_notify(3): a real datagram socket. */
export async function openNotifySocket(folder: string): Promise<NotifySocket> {
  const path = join(folder, 'notify');
  const child = spawn('python3', ['-c', receiver, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said: string[] = [];
  const waiting = new Set<() => void>();
  const bound = Promise.withResolvers<void>();
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const message = JSON.parse(line) as string;
      if (message === 'bound') bound.resolve();
      else said.push(...message.split('\n').filter((one) => one !== '' && one !== 'BARRIER=1'));
    }
    for (const look of waiting) look();
  });
  await bound.promise;
  return {
    path,
    said,
    heard: async (assignment, times = 1) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = (): void => {
        if (said.filter((one) => one === assignment).length >= times) resolve();
      };
      waiting.add(look);
      look();
      await promise;
      waiting.delete(look);
    },
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}
