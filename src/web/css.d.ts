/** Styles: the build puts all of them into one file (`build-page.ts` beside the configuration of the bundler). */
declare module '*.css' {}
