import fc from 'fast-check';
import { expect, test } from 'vitest';
import { didYouMean, editDistance } from '../../../src/errors/findings/did-you-mean.ts';

const words = fc.stringMatching(/^[a-zA-Z_.-]{3,15}$/);

test('what is suggested is one of the candidates, and not what was written', () => {
  fc.assert(
    fc.property(words, fc.array(words), (text, candidates) => {
      const found = didYouMean(text, candidates);
      expect(found === null || (candidates.includes(found) && found !== text)).toBe(true);
    }),
  );
});

test('a text with one letter wrong, missing, added or swapped finds itself', () => {
  fc.assert(
    fc.property(words, fc.nat(), fc.constantFrom('wrong', 'missing', 'added', 'swapped'), (word, place, mistake) => {
      const at = place % (word.length - 1);
      const [before, letter, next, after] = [word.slice(0, at), word[at] ?? '', word[at + 1] ?? '', word.slice(at + 2)];
      const typed = {
        wrong: `${before}#${next}${after}`,
        missing: before + next + after,
        added: `${before}#${letter}${next}${after}`,
        swapped: before + next + letter + after,
      }[mistake];
      fc.pre(typed !== word);
      expect(didYouMean(typed, [word])).toBe(word);
    }),
  );
});

test('the distance is symmetrical and zero only for the same text', () => {
  fc.assert(
    fc.property(words, words, (a, b) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, b) === 0).toBe(a.toLowerCase() === b.toLowerCase());
    }),
  );
});

test('nothing is suggested for something else', () => {
  expect(didYouMean('schedule', ['vm', 'repository', 'node'])).toBeNull();
  expect(didYouMean('repositry', ['result', 'repository'])).toBe('repository');
  expect(didYouMean('Mode', ['mode', 'node'])).toBe('mode');
});
