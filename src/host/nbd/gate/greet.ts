import { nbd } from '../nbd-protocol.ts';
import { provesKey } from './hello-proof.ts';

/** What to do after some more bytes of a newcomer. */
export type Answer =
  | { readonly kind: 'more' }
  /** It has the key: `flags` and `rest` are what the server itself has to be told. */
  | { readonly kind: 'proven'; readonly flags: Buffer; readonly rest: Buffer }
  | { readonly kind: 'refused' };

export interface Greeter {
  take(chunk: Buffer): Answer;
}

/** What a server of the newstyle protocol says first. It can do without the zeros behind an export's facts. */
export const greeting = ((): Buffer => {
  const bytes = Buffer.alloc(18);
  bytes.writeBigUInt64BE(nbd.greeting, 0);
  bytes.writeBigUInt64BE(nbd.optionMagic, 8);
  bytes.writeUInt16BE(nbd.fixedNewstyle | 2, 16);
  return bytes;
})();

export const optionReplyBytes = 20;
const flagBytes = 4;
const optionBytes = 16;
const recordBytes = 5;
const handshakeRecord = 22;
/** Of one record of TLS. */
const mostHelloBytes = 16 * 1024;
const mostOptionData = 4096;
/** An honest client asks to encrypt at once; one without a key asks for one thing or two, and is told that it needs one. */
const mostOptions = 8;
/** An alert of TLS, fatal: decrypt_error, as it is for a binder that is wrong. */
const refusal = Buffer.from([21, 3, 3, 0, 2, 2, 51]);

/**
 * Speaks to a newcomer as qemu-nbd with `--tls-creds` does, up to its ClientHello, and looks whether it has the key.
 * @param send to the newcomer
 */
export function createGreeter(psk: Buffer, send: (data: Buffer) => void): Greeter {
  let bytes: Buffer = Buffer.alloc(0);
  let flags: Buffer | null = null;
  let encrypts = false;
  let options = 0;

  /** Null: it takes more bytes. */
  const step = (): Answer | 'again' | null => {
    if (flags === null) {
      if (bytes.length < flagBytes) return null;
      flags = eat(flagBytes);
      return 'again';
    }
    if (encrypts) return judgeHello(flags);
    if (bytes.length < optionBytes) return null;
    const length = bytes.readUInt32BE(12);
    if (bytes.readBigUInt64BE(0) !== nbd.optionMagic || length > mostOptionData || ++options > mostOptions)
      return { kind: 'refused' };
    if (bytes.length < optionBytes + length) {
      options--;
      return null;
    }
    return answerOption(eat(optionBytes + length).readUInt32BE(8), length);
  };
  const answerOption = (option: number, length: number): Answer | 'again' => {
    if (option === nbd.option.startTls && length === 0) {
      send(optionReply(option, nbd.optionReply.ack));
      encrypts = true;
      return 'again';
    }
    if (option === nbd.option.abort) send(optionReply(option, nbd.optionReply.ack));
    // The old way to name an export has no answer that refuses.
    if (option === nbd.option.abort || option === exportName) return { kind: 'refused' };
    send(optionReply(option, nbd.optionReply.errorTlsRequired));
    return 'again';
  };
  const judgeHello = (told: Buffer): Answer | null => {
    if (bytes.length < recordBytes)
      return bytes.length > 0 && bytes[0] !== handshakeRecord ? { kind: 'refused' } : null;
    const length = bytes.readUInt16BE(3);
    if (bytes[0] !== handshakeRecord || length > mostHelloBytes) return { kind: 'refused' };
    if (bytes.length < recordBytes + length) return null;
    if (provesKey(bytes.subarray(recordBytes, recordBytes + length), psk))
      return { kind: 'proven', flags: told, rest: bytes };
    send(refusal);
    return { kind: 'refused' };
  };
  const eat = (length: number): Buffer => {
    const eaten = bytes.subarray(0, length);
    bytes = bytes.subarray(length);
    return eaten;
  };

  return {
    take(chunk) {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      for (;;) {
        const answer = step();
        if (answer === null) return { kind: 'more' };
        if (answer !== 'again') return answer;
      }
    },
  };
}

const exportName = 1;

function optionReply(option: number, type: number): Buffer {
  const reply = Buffer.alloc(optionReplyBytes);
  reply.writeBigUInt64BE(nbd.optionReplyMagic, 0);
  reply.writeUInt32BE(option, 8);
  reply.writeUInt32BE(type, 12);
  return reply;
}

/** What the gate says to the server in place of the client. */
export function openingTo(flags: Buffer): Buffer {
  const option = Buffer.alloc(optionBytes);
  option.writeBigUInt64BE(nbd.optionMagic, 0);
  option.writeUInt32BE(nbd.option.startTls, 8);
  return Buffer.concat([flags, option]);
}

/** Whether the server agrees to encrypt: its greeting, and its answer to {@link openingTo}. */
export const agreesToEncrypt = (said: Buffer): boolean =>
  said.subarray(0, 16).equals(greeting.subarray(0, 16)) &&
  said.subarray(greeting.length).equals(optionReply(nbd.option.startTls, nbd.optionReply.ack));
