/** A bundle of its own (`rolldown.config.ts`): the tables of all emoji take 30 ms to load, and most output is ASCII. */
export { default } from 'string-width';
