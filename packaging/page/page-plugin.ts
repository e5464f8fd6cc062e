import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { OutputBundle, OutputChunk, Plugin } from 'rolldown';

const source = join(import.meta.dirname, '../../src/web');
/** Below `dist/`. */
const folder = 'web';

/**
 * What makes the page's files of its scripts: one file of styles, `index.html` with the hashed names, and each of them compressed,
 * so that the hub compresses nothing.
 */
export function pagePlugin(): Plugin {
  const styles = new Map<string, string>();
  return {
    name: 'page',
    load(id) {
      if (!id.endsWith('.css')) return null;
      styles.set(relative(source, id), readFileSync(id, 'utf8'));
      return { code: 'export {};', moduleType: 'js', moduleSideEffects: true };
    },
    generateBundle(_options, bundle) {
      const emit = (fileName: string, text: string): string => {
        for (const [ending, bytes] of compressed(text))
          this.emitFile({ type: 'asset', fileName: `${fileName}${ending}`, source: bytes });
        return fileName;
      };
      const named = (name: string, text: string): string => {
        const [stem, ending] = name.split('.');
        return emit(`${folder}/assets/${stem}-${hashOf(text)}.${ending}`, text);
      };
      for (const file of chunksOf(bundle))
        for (const [ending, bytes] of compressed(file.code).slice(1))
          this.emitFile({ type: 'asset', fileName: `${file.fileName}${ending}`, source: bytes });
      const css = named('styles.css', joined(styles));
      const icon = named('icon.svg', readFileSync(join(source, 'icon.svg'), 'utf8'));
      emit(`${folder}/index.html`, indexPage(chunksOf(bundle), { css, icon }));
    },
    /** Files of earlier builds would be served, too. */
    writeBundle({ dir = 'dist' }, bundle) {
      for (const name of readdirSync(join(dir, folder), { recursive: true, encoding: 'utf8' }))
        if (name.includes('.') && !(`${folder}/${name}` in bundle)) rmSync(join(dir, folder, name), { force: true });
    },
  };
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 10);

const chunksOf = (bundle: OutputBundle): OutputChunk[] => Object.values(bundle).filter((file) => file.type === 'chunk');

/** A file as it is and compressed, with what is added to its name. */
function compressed(text: string): (readonly [ending: string, bytes: Buffer])[] {
  const bytes = Buffer.from(text);
  return [
    ['', bytes],
    ['.br', brotliCompressSync(bytes)],
    ['.gz', gzipSync(bytes, { level: 9 })],
  ];
}

/** The tokens have the order of the layers, so they come first; the rest is in layers. */
function joined(styles: ReadonlyMap<string, string>): string {
  const rank = (name: string): string => (name === 'design/tokens.css' ? '' : name);
  const texts = [...styles].toSorted(([a], [b]) => (rank(a) < rank(b) ? -1 : 1)).map(([, text]) => text);
  return texts
    .join('\n')
    .replaceAll(/\/\*.*?\*\//gs, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ?([{};,]) ?/g, '$1')
    .trim();
}

/** `index.html`. The browser loads what the first screen needs at once, not one after another. */
function indexPage(
  chunks: readonly OutputChunk[],
  { css, icon }: { readonly css: string; readonly icon: string },
): string {
  const entry = chunks.find((chunk) => chunk.isEntry);
  if (!entry) throw new Error('the page has no entry');
  const first = chunks.filter((chunk) => chunk.facadeModuleId?.endsWith('/status-screen.tsx') === true);
  const names = new Set([entry, ...first].flatMap((chunk) => needed(chunk, chunks)));
  names.delete(entry.fileName);
  const preloads = [...names].map((name) => `    <link rel="modulepreload" href="${urlOf(name)}" />\n`).join('');
  return readFileSync(join(source, 'index.html'), 'utf8')
    .replace('ICON', urlOf(icon))
    .replace('STYLES', urlOf(css))
    .replace('SCRIPT', urlOf(entry.fileName))
    .replace('  </head>', `${preloads}  </head>`);
}

/** A chunk and those that it imports. */
function needed(chunk: OutputChunk, chunks: readonly OutputChunk[]): string[] {
  const names = new Set([chunk.fileName]);
  for (const name of names) for (const one of chunks.find((it) => it.fileName === name)?.imports ?? []) names.add(one);
  return [...names];
}

const urlOf = (file: string): string => `/${file.slice(folder.length + 1)}`;
