// The one thing that Eleventy takes from a file only; the rest is in generator.ts. Nothing in a page is an instruction to it: `${{ … }}` is text.
export const config = { markdownTemplateEngine: false, htmlTemplateEngine: false };
