import { globSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, join } from 'node:path';
import { defineConfig, type ModuleInfo, type RolldownOptions } from 'rolldown';
import { pagePlugin } from './packaging/page/page-plugin.ts';

/** Files with which programs and threads begin, and what they load as soon as they do something. */
const programParts: readonly (readonly [name: string, begin: readonly string[]])[] = [
  // Before it has its compile cache.
  ['run', ['cli/sendense-run']],
  ['start', ['cli/main', 'cli/report-error', 'view/terminal']],
  ['hasher', ['blocks/digest-worker']],
  ['gate', ['host/nbd/gate/gate-thread']],
  ['password', ['hub/access/password-thread']],
  ['guest', ['files/guest/agent']],
  ['client', ['cli/sendense-backup-client']],
  ['plan', ['plan/validate-files']],
  ['hub', ['hub/open-hub']],
  ['node', ['node/start-node']],
];

interface Modules {
  getModuleInfo(id: string): ModuleInfo | null;
}

let partsOf: ReadonlyMap<string, string> | undefined;

/** The file that a module goes into: else there is one for each set of users, which are two hundred. Null: rolldown chooses. */
const partOf = (id: string, modules: Modules): string | null => (partsOf ??= findParts(modules)).get(id) ?? null;

/**
 * A module goes with those that the same parts need, so that nobody loads what only others need: a thread would take
 * megabytes for it. A program's own file stays what it is: loading it is running it.
 */
function findParts(modules: Modules): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [name, begin] of programParts) {
    const reached = new Set(begin.map((file) => join(import.meta.dirname, 'src', `${file}.ts`)));
    for (const id of reached)
      for (const imported of modules.getModuleInfo(id)?.importedIds ?? []) reached.add(imported);
    for (const id of reached)
      if (modules.getModuleInfo(id)?.isEntry === false)
        found.set(id, found.has(id) ? `${found.get(id)}-${name}` : name);
  }
  return found;
}

/** `dist/`: the programs with the packages that they use in few files, because Node spends its start on many small ones. */
const programs: RolldownOptions = {
  input: {
    'cli/sendense-run': 'src/cli/sendense-run.ts',
    'cli/sendense-node': 'src/cli/sendense-node.ts',
    'cli/sendense-backup-client': 'src/cli/sendense-backup-client.ts',
    'blocks/digest-worker': 'src/blocks/digest-worker.ts',
    'files/guest/agent': 'src/files/guest/agent.ts',
    'host/nbd/gate/gate-thread': 'src/host/nbd/gate/gate-thread.ts',
    'hub/access/password-thread': 'src/hub/access/password-thread.ts',
    'host/net/switch-child': 'src/host/net/switch-child.ts',
    'host/ssh/ssh2-child': 'src/host/ssh/ssh2-child.ts',
    ...validators(),
    'view/all-widths': 'src/view/all-widths.ts',
  },
  platform: 'node',
  // With binaries of their own.
  external: ['better-sqlite3', 'ssh2'],
  output: {
    dir: 'dist',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    // V8 reads a file of one character beyond ASCII in three times as long, and keeps it in twice the memory.
    charset: 'ascii',
    comments: { legal: true, annotation: false, jsdoc: false },
    codeSplitting: { includeDependenciesRecursively: false, groups: [{ name: partOf, debugName: 'parts' }] },
  },
  plugins: [
    { name: 'light-builtins', renderChunk: (code) => withLightBuiltins(code) },
    {
      name: 'plain-licences',
      generateBundle(_options, bundle) {
        for (const file of Object.values(bundle)) if (file.type === 'chunk') file.code = withPlainLicences(file.code);
      },
    },
  ],
};

/** `dist/web/`: the page that the hub serves. */
const page: RolldownOptions = {
  input: { page: 'src/web/main.tsx' },
  platform: 'browser',
  transform: {
    jsx: { runtime: 'automatic', importSource: 'preact' },
    define: { 'process.env.NODE_ENV': '"production"' },
  },
  output: {
    dir: 'dist',
    entryFileNames: 'web/assets/[name]-[hash].js',
    chunkFileNames: 'web/assets/[name]-[hash].js',
    minify: true,
  },
  plugins: [pagePlugin()],
};

export default defineConfig([programs, page]);

/** Loaded by name where they are needed (`src/schemas/validator.ts`). */
function validators(): Record<string, string> {
  const folder = 'src/schemas/compiled';
  const files = globSync('*.js', { cwd: join(import.meta.dirname, folder) });
  return Object.fromEntries(files.map((file) => [`schemas/compiled/${basename(file, '.js')}`, `${folder}/${file}`]));
}

/**
 * `import` of a built-in module reads every property of it, which loads what lies behind: undici for node:http, WebCrypto
 * for node:crypto. Asking the process for it does not.
 */
function withLightBuiltins(code: string): string {
  return code.replace(
    /^import (?:\* as (\w+)|([\w$]+)|(?:([\w$]+), )?\{([^}]*)\}) from "([\w:/]+)";$/gm,
    (
      statement,
      all: string | undefined,
      only: string | undefined,
      first: string | undefined,
      names: string | undefined,
      from: string,
    ) => {
      if (!isBuiltin(from)) return statement;
      const module = `globalThis.process.getBuiltinModule("${from}")`;
      const whole = all ?? only;
      if (whole !== undefined) return `const ${whole} = ${module};`;
      const parts = `{${(names ?? '').replaceAll(' as ', ': ')}}`;
      return first === undefined ? `const ${parts} = ${module};` : `const ${first} = ${module}, ${parts} = ${first};`;
    },
  );
}

/** What `charset` leaves as it is: names in the comments of licences. */
function withPlainLicences(code: string): string {
  const escaped = (letter: string): string => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return code.replace(/\/\*![\s\S]*?\*\//g, (comment) => comment.replace(/[^\0-\x7f]/g, escaped));
}
