import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { uploadDisk } from '../../../../src/node/vsphere/import/upload-disk.ts';
import { uploadPlace } from '../../../../src/node/vsphere/import/upload-place.ts';
import { startScriptedServer, type ScriptedServer } from '../scripted-server.ts';

let ours: ScriptedServer;
let other: ScriptedServer;

beforeAll(async () => {
  [ours, other] = await Promise.all([startScriptedServer(), startScriptedServer()]);
});
afterAll(async () => {
  await ours?.[Symbol.asyncDispose]();
  await other?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  for (const server of [ours, other]) {
    server.asked.length = 0;
    server.script = (_asked, response) => void response.writeHead(200).end();
  }
});

const spec = (more: { thumbprint?: string | null; ca?: string | null } = {}) => ({
  host: '127.0.0.1',
  port: ours.port,
  thumbprint: ours.thumbprint,
  ca: null,
  ...more,
});
const send = (url: string, thumbprint: string | null, settings = spec()): Promise<void> =>
  uploadDisk(
    { place: uploadPlace(url, thumbprint, settings), cookie: 'c00kie-canary', label: 'Hard disk 1' },
    async (write) => {
      for (const word of ['a ', 'disk']) await write(Buffer.from(word));
    },
  );

describe('a disk that is sent to the place of an import', () => {
  it('goes to the server of the session where the URL names no host, with the cookie', async () => {
    await send('https://*/nfc/52ab/disk-0.vmdk', null);
    expect(ours.asked).toMatchObject([{ body: 'a disk', cookie: 'c00kie-canary' }]);
  });

  it('goes to another host by the certificate that the server names, without the cookie', async () => {
    await send(`https://127.0.0.1:${other.port}/nfc/52ab/disk-0.vmdk`, other.thumbprint);
    expect(other.asked).toMatchObject([{ body: 'a disk', cookie: undefined }]);
    expect(ours.asked).toEqual([]);
  });

  it('goes to another host that an authority of the source has signed', async () => {
    await send(
      `https://127.0.0.1:${other.port}/nfc/52ab/disk-0.vmdk`,
      null,
      spec({ ca: other.caPem, thumbprint: null }),
    );
    expect(other.asked).toHaveLength(1);
  });

  it.each([
    ['another certificate than the server names', () => ours.thumbprint],
    ['a certificate that nobody vouches for', () => null],
  ])('does not go to a host with %s: it gets no byte', async (_, thumbprint) => {
    const before = other.bytesIn();
    await expect(send(`https://127.0.0.1:${other.port}/nfc/52ab/disk-0.vmdk`, thumbprint())).rejects.toMatchObject({
      code: 'vsphere.tls',
    });
    expect(other.bytesIn()).toBe(before);
  });

  it('does not go where the certificate of the server itself is another one', async () => {
    const before = ours.bytesIn();
    const settings = spec({ thumbprint: other.thumbprint });
    await expect(send('https://*/nfc/52ab/disk-0.vmdk', null, settings)).rejects.toMatchObject({ code: 'vsphere.tls' });
    expect(ours.bytesIn()).toBe(before);
  });

  it.each(['http://*/nfc/x', 'ftp://127.0.0.1/x', 'https://user:word@127.0.0.1/x', 'nothing', 'https://*\r\n/x'])(
    'is refused a place such as %j',
    (url) => {
      expect(() => uploadPlace(url, null, spec())).toThrow('names no place that a disk can be sent to');
    },
  );

  it('fails with the words of the host, without the tags of its page', async () => {
    ours.script = (_asked, response) =>
      void response.writeHead(500).end('<html><h1>Error</h1><p>Insufficient disk space on datastore</p></html>');
    await expect(send('https://*/nfc/52ab/disk-0.vmdk', null)).rejects.toMatchObject({
      code: 'disk.full',
      message:
        'the datastore is full: 127.0.0.1 did not take Hard disk 1 (HTTP 500): Error Insufficient disk space on datastore',
    });
  });

  it('fails where the connection breaks, and says that it may be tried again', async () => {
    ours.script = (_asked, response) => void response.destroy();
    await expect(send('https://*/nfc/52ab/disk-0.vmdk', null)).rejects.toMatchObject({
      code: 'transport.failed',
      details: { broken: true },
    });
  });

  it('fails with what went wrong where the disk is read', async () => {
    const place = uploadPlace('https://*/nfc/52ab/disk-0.vmdk', null, spec());
    const upload = uploadDisk({ place, cookie: 'c', label: 'Hard disk 1' }, async (write) => {
      await write(Buffer.from('a '));
      throw new RangeError('the source broke');
    });
    await expect(upload).rejects.toThrow('the source broke');
  });
});
