/**
 * Whether an answer is what the documents of the APIs announce, as anybody would judge it who has nothing but the document: by another
 * validator than the product's.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dereference, validate, type Schema } from '@cfworker/json-schema';

export interface JudgedAnswer {
  readonly method: string;
  /** As it was asked for; a query counts for nothing. */
  readonly path: string;
  readonly status: number;
  /** Its content type. */
  readonly type: string | null;
  readonly body: unknown;
  /** By their names in small letters; default: they are not judged. */
  readonly headers?: Readonly<Record<string, unknown>>;
}

/** Headers that say something of an answer alone: they come where they are announced, and nowhere else. */
const judged = ['etag', 'location', 'content-range', 'retry-after', 'www-authenticate'] as const;

interface Media {
  readonly schema?: { readonly $ref: string };
}
interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, Media>>; readonly headers?: object }>
  >;
}
interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}
interface Document {
  operationOf(method: string, path: string): Operation | undefined;
  /** What is wrong with a value. */
  faultsOf(schema: Schema, value: unknown): string[];
}

/** @returns what is wrong with an answer, by the documents that have its path; a path that is in none is none of ours */
export function secondOpinion(answer: JudgedAnswer): string[] {
  const found = files.map((file) => opinion(documentOf(file), answer)).filter((faults) => faults !== undefined);
  return found.some((faults) => faults.length === 0) ? [] : (found[0] ?? []);
}

const files = ['hub-openapi.json', 'openapi.json'] as const;

function opinion(
  document: Document,
  { method, path, status, type, body, headers = {} }: JudgedAnswer,
): string[] | undefined {
  const operation = document.operationOf(method, path.replace(/\?.*/, ''));
  if (!operation) return undefined;
  const said = `${method} ${path}: ${status}`;
  const response = operation.responses[String(status)];
  if (!response) return [`${said} is not announced`];
  const unannounced = judged.filter(
    (name) => headers[name] !== undefined && !Object.hasOwn(response.headers ?? {}, name),
  );
  if (unannounced.length > 0) return [`${said} has ${unannounced.join(', ')}, which nobody announces`];
  const isLost = Object.hasOwn(response.headers ?? {}, 'location') && headers['location'] === undefined;
  if (isLost && Object.keys(headers).length > 0) return [`${said} does not say where to look`];
  if (method === 'HEAD') return [];
  const media = Object.entries(response.content ?? {});
  if (media.length === 0) return body == null || body === '' ? [] : [`${said} has a body that is not announced`];
  const [, announced] = media.find(([name]) => type?.split(';')[0]?.trim() === name) ?? [];
  if (!announced) return [`${said} is ${type}, and not ${media.map(([name]) => name).join(' or ')}`];
  if (!announced.schema || !type?.startsWith('application/json')) return [];
  return document.faultsOf(announced.schema, body).map((fault) => `${said}: ${fault}`);
}

const documents = new Map<string, Document>();

function documentOf(file: string): Document {
  const known = documents.get(file);
  if (known) return known;
  const openApi = JSON.parse(readFileSync(join(import.meta.dirname, '../../docs', file), 'utf8')) as OpenApi;
  const lookup = dereference(openApi as unknown as Schema);
  // A path without parameters is found before one that has some.
  const isGeneral = (path: string): number => Number(path.includes('{'));
  const paths = Object.entries(openApi.paths).toSorted(([a], [b]) => isGeneral(a) - isGeneral(b));
  const operations = paths.flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path: patternOf(path), method, operation })),
  );
  const document: Document = {
    operationOf: (method, path) =>
      operations.find((one) => one.method === method.toLowerCase() && one.path.test(path))?.operation,
    faultsOf: (schema, value) =>
      validate(value, schema, '2020-12', lookup)
        .errors.slice(-3)
        .map(({ instanceLocation, error }) => `${instanceLocation} ${error}`),
  };
  documents.set(file, document);
  return document;
}

const patternOf = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`).replaceAll(/\{\w+\}/g, '[^/]+')}$`);
