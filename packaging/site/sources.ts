import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { extname, join, posix } from 'node:path';
import { linkedFiles, type Page } from './pages.ts';

const languages: Readonly<Record<string, string>> = {
  '.yaml': 'yaml',
  '.yml': 'yaml',
  '.json': 'json',
  '.sh': 'sh',
  '.ts': 'typescript',
};

/** Pages for the files and folders that pages link to and that are no Markdown, such as examples/vsphere/. */
export function sourcePages(root: string, pages: readonly Page[]): Page[] {
  const linked = new Set(pages.flatMap((page) => linkedFiles(page)).filter((file) => !file.endsWith('.md')));
  return [...linked]
    .filter((file) => existsSync(join(root, file)) && !existsSync(join(root, file, 'README.md')))
    .toSorted()
    .map((file) => (statSync(join(root, file)).isDirectory() ? folderPage(root, file) : filePage(root, file)));
}

function filePage(root: string, file: string): Page {
  return { file: `${file}.md`, title: file, text: `# \`${file}\`\n\n${shown(root, file)}\n` };
}

function folderPage(root: string, folder: string): Page {
  const files = readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .toSorted();
  const parts = files.map((name) => `## \`${name}\`\n\n${shown(root, posix.join(folder, name))}\n`);
  return { file: `${folder}/index.md`, title: `${folder}/`, text: `# \`${folder}/\`\n\n${parts.join('\n')}` };
}

function shown(root: string, file: string): string {
  const text = readFileSync(join(root, file), 'utf8');
  // Longer than any fence in it.
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${languages[extname(file)] ?? 'text'}\n${text.trimEnd()}\n${fence}`;
}
