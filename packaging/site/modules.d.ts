// What this folder uses of packages that only its own package.json names: the check of the types passes before they are installed.

declare module '@11ty/eleventy' {
  import type { Markdown } from './markdown.ts';
  export interface Config {
    setQuietMode(quiet: boolean): void;
    setTemplateFormats(formats: string[]): void;
    setDataFileSuffixes(suffixes: string[]): void;
    setUseGitIgnore(use: boolean): void;
    ignores: Set<string>;
    addGlobalData(name: string, value: unknown): void;
    addTemplate(file: string, text: string): void;
    addPassthroughCopy(files: Record<string, string>): void;
    addTransform(name: string, transform: (this: { page: { inputPath: string } }, html: string) => string): void;
    amendLibrary(name: 'md', amend: (markdown: Markdown) => void): void;
    on(event: 'eleventy.after', listener: () => void): void;
  }
  export default class Eleventy {
    constructor(
      input: string,
      output: string,
      options: { quietMode: boolean; configPath: string; config: (config: Config) => void },
    );
    write(): Promise<void>;
  }
}

declare module 'highlight.js/lib/core' {
  const hljs: {
    registerLanguage(name: string, language: unknown): void;
    getLanguage(name: string): unknown;
    highlight(code: string, options: { language: string; ignoreIllegals: boolean }): { value: string };
  };
  export default hljs;
}

declare module 'highlight.js/lib/languages/*' {
  const language: unknown;
  export default language;
}
