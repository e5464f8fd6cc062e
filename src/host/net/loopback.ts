/** Whether a host, without brackets, is this machine and no other: a name that may lead elsewhere is not. */
export const isLoopbackHost = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
