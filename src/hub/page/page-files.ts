import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { packageRoot } from '../../schemas/package.ts';

/** How a file goes over the line. */
export type Coding = 'br' | 'gzip' | 'identity';

/** A file of the page. */
export interface PageFile {
  readonly type: string;
  readonly etag: string;
  readonly bytes: Readonly<Record<Coding, Buffer>>;
}

/** The page's files, by the path under which they are asked for; `/` is its index. */
export type PageFiles = ReadonlyMap<string, PageFile>;

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** What a build made of `src/web`, in memory: some hundred kilobytes. Empty: nobody built it. */
export function readPageFiles(folder = join(packageRoot, 'dist/web')): PageFiles {
  if (!existsSync(join(folder, 'index.html'))) return new Map();
  const files = new Map<string, PageFile>();
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const type = types[extname(name)];
    if (type === undefined) continue;
    files.set(name === 'index.html' ? '/' : `/${name}`, readOne(join(folder, name), type));
  }
  return files;
}

function readOne(path: string, type: string): PageFile {
  const identity = readFileSync(path);
  return {
    type,
    etag: `"${createHash('sha256').update(identity).digest('base64url').slice(0, 16)}"`,
    bytes: { identity, br: readFileSync(`${path}.br`), gzip: readFileSync(`${path}.gz`) },
  };
}
