import type { Vsphere, About } from './vsphere.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { version } from '../../schemas/package.ts';
import { faultOf } from './fault.ts';
import { locateFault } from './locate-fault.ts';
import { aboutAMinute, patiently } from './patiently.ts';
import { allObjects, assertAuthenticated, objectProperties } from './properties.ts';
import { refusedLogins, type RefusedLogins } from './refused-logins.ts';
import { sessionOf, type Session } from './session.ts';
import { openSoap, type SoapConnection } from './soap-connection.ts';
import { runTask } from './task.ts';
import { at, moref, optionalText, text, type Moref, type XmlValue } from './xml.ts';

export type { SoapArg } from './encode-soap.ts';
export type { ObjectProperties } from './vsphere.ts';
export type { Moref } from './xml.ts';

/** Where and as whom to log in, and how the server proves itself. */
export interface VsphereAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** SHA-1 or SHA-256 of the certificate, hex with or without colons. */
  readonly thumbprint: string | null;
  /** PEM; null, and no thumbprint: the system's authorities. */
  readonly ca: string | null;
  /** What was refused before, by other sessions of this process. Default: of this session alone. */
  readonly refused?: RefusedLogins | undefined;
}

export interface ConnectOptions {
  /** For this call alone. */
  readonly signal?: AbortSignal | undefined;
  readonly userAgent?: string;
  /** How long a server that did not answer is left alone before it is asked again, at first, ms. */
  readonly pauseMs?: number;
}

const service: Moref = { type: 'ServiceInstance', value: 'ServiceInstance' };

/** @throws SendenseError `vsphere.unreachable`, `vsphere.tls`, `vsphere.login`, `vsphere.protocol` */
export async function connectVsphere(address: VsphereAddress, options: ConnectOptions = {}): Promise<Vsphere> {
  const { signal, pauseMs = 200 } = options;
  const soap = openSoap(address, options.userAgent ?? `sendense/${version}`);
  try {
    const content = returnval(
      await patiently(() => soap.post('RetrieveServiceContent', service, [], { signal }), { signal, pauseMs }),
    );
    if (!content) throw new SendenseError('vsphere.protocol', `${address.host} shows no service content`);
    const about = aboutOf(content);
    soap.version = /^[0-9.]+$/.test(about.apiVersion) ? `/${about.apiVersion}` : '';
    const account = { ...address, refused: address.refused ?? refusedLogins() };
    const session = sessionOf(soap, account, moref(content, 'sessionManager'), pauseMs);
    await session.login(null, signal);
    return vsphereOf({ soap, session, pauseMs }, address.host, about, content);
  } catch (error) {
    soap[Symbol.dispose]();
    throw error;
  }
}

interface Connected {
  readonly soap: SoapConnection;
  readonly session: Session;
  readonly pauseMs: number;
}

function vsphereOf({ soap, session, pauseMs }: Connected, host: string, about: About, contentXml: XmlValue): Vsphere {
  const content = Object.fromEntries(
    contentXml.children
      .filter(({ attributes }) => attributes['type'] !== undefined)
      .map((one) => [one.name, moref(one)]),
  );
  const call: Vsphere['call'] = async (method, self, args = [], options = {}) => {
    const taken = (answer: XmlValue): XmlValue | undefined => {
      if (method.includes('RetrieveProperties')) assertAuthenticated(returnval(answer));
      return options.all ? answer : returnval(answer);
    };
    const post = async (): Promise<XmlValue | undefined> => {
      const before = soap.cookie;
      try {
        return taken(await soap.post(method, self, args, options));
      } catch (error) {
        // Answered before anything began, so the same call may follow.
        if (faultOf(error)?.name !== 'NotAuthenticated') throw error;
        await session.login(before, options.signal);
        return taken(await soap.post(method, self, args, options));
      }
    };
    try {
      return await (method.endsWith('_Task')
        ? post()
        : patiently(post, { signal: options.signal, pauseMs, attempts: aboutAMinute, garbled: true }));
    } catch (error) {
      // Those are what finds the name of an object.
      throw method.includes('RetrieveProperties') ? error : await locateFault(vsphere, error, options.signal);
    }
  };
  const vsphere: Vsphere = {
    about,
    host,
    content,
    call,
    task: async (method, self, args, options) => {
      try {
        return await runTask(vsphere, method, self, args, options);
      } catch (error) {
        throw await locateFault(vsphere, error, options?.signal);
      }
    },
    properties: (objects, paths, options) => objectProperties(vsphere, objects, paths, options?.signal),
    all: (type, paths, options) => allObjects(vsphere, type, paths, options),
    cookie: async (refused) => {
      // A session that is being made anew, or could not be, has none.
      if (refused !== undefined || soap.cookie === '') await session.login(refused ?? '');
      return soap.cookie;
    },
    clockOffset: async (signal) => {
      const before = Date.now();
      const now = Date.parse(text(await call('CurrentTime', service, [], { signal })));
      return Math.round(now - (before + Date.now()) / 2);
    },
    async [Symbol.asyncDispose]() {
      await session.logout().catch(() => undefined);
      soap[Symbol.dispose]();
    },
  };
  return vsphere;
}

const returnval = (answer: XmlValue): XmlValue | undefined => at(answer, 'returnval');

function aboutOf(content: XmlValue): About {
  const apiType = text(content, 'about.apiType');
  if (apiType !== 'VirtualCenter' && apiType !== 'HostAgent')
    throw new SendenseError('vsphere.protocol', `neither a vCenter nor an ESXi host, but ${apiType}`);
  return {
    apiType,
    apiVersion: text(content, 'about.apiVersion'),
    fullName: text(content, 'about.fullName'),
    instanceUuid: optionalText(content, 'about.instanceUuid') || null,
  };
}
