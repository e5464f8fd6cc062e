import { vsphereSource } from '../../src/node/sources/vsphere/vsphere-source.ts';
import { vsphereKind } from '../../src/sources/vsphere/vsphere-kind.ts';
import { MiB } from '../node/support.ts';
import { startVcenter } from '../simulators/vcenter/start-vcenter.ts';
import { randomBytes } from '../support/random.ts';
import { conforms } from './conformance.ts';

conforms('vsphere', async () => {
  const vcenter = await startVcenter();
  const contents = [randomBytes(2 * MiB), randomBytes(MiB)];
  const vm = await vcenter.addVm({
    name: 'pgtest1',
    cbt: true,
    disks: contents.map((content) => ({ capacity: content.length, content })),
  });
  const { host, port, user, password, thumbprint } = vcenter;
  return {
    kind: vsphereKind,
    source: vsphereSource,
    settings: {
      type: 'vsphere',
      host: `${host}:${port}`,
      user,
      password: { secret: { file: './password' } },
      thumbprint,
      transports: ['https'],
    },
    place: { name: 'production', folder: '/etc/sendense', readFile: () => Buffer.alloc(0) },
    vm: { name: 'pgtest1', path: vm.path },
    vmName: 'pgtest1',
    account: { user, password },
    contents,
    traces: () => vm.snapshots(),
    [Symbol.asyncDispose]: () => vcenter[Symbol.asyncDispose](),
  };
});
