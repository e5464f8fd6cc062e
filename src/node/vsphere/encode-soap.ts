import { escapeXml } from '../../host/net/escape-xml.ts';
import type { Moref } from './xml.ts';

/** Arguments in the order of the WSDL; one that is undefined is left out. */
export type SoapArg = readonly [name: string, value: SoapValue | undefined];
/** An array is the element again and again. */
export type SoapValue = string | number | bigint | boolean | Moref | SoapObject | SoapString | readonly SoapValue[];
/** Text where the schema wants to be told of which type the value is (`xsd:anyType`). */
export interface SoapString {
  readonly string: string;
}
export interface SoapObject {
  readonly xsiType?: string;
  readonly fields: readonly SoapArg[];
}

/** The body of a request. */
export const envelope = (method: string, self: Moref, args: readonly SoapArg[]): string =>
  '<?xml version="1.0" encoding="UTF-8"?>' +
  '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"' +
  ' xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:vim25="urn:vim25"><soapenv:Body>' +
  `<${method} xmlns="urn:vim25">${element('_this', self)}${encode(args)}</${method}>` +
  '</soapenv:Body></soapenv:Envelope>';

const encode = (args: readonly SoapArg[]): string =>
  args.map(([name, value]) => (value === undefined ? '' : element(name, value))).join('');

function element(name: string, value: SoapValue): string {
  if (isList(value)) return value.map((one) => element(name, one)).join('');
  if (typeof value !== 'object') return `<${name}>${escapeXml(String(value))}</${name}>`;
  if ('string' in value) return `<${name} xsi:type="xsd:string">${escapeXml(value.string)}</${name}>`;
  if ('fields' in value) {
    const type = value.xsiType === undefined ? '' : ` xsi:type="vim25:${escapeXml(value.xsiType)}"`;
    return `<${name}${type}>${encode(value.fields)}</${name}>`;
  }
  return `<${name} type="${escapeXml(value.type)}">${escapeXml(value.value)}</${name}>`;
}

const isList = (value: SoapValue): value is readonly SoapValue[] => Array.isArray(value);
