import { distance } from "fastest-levenshtein";

/** Finds the candidate that `word` is most likely a misspelling of: letters in another order, or up to a third of them wrong. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const edits = sorted(word) === sorted(candidate) ? 1 : distance(word, candidate);
    if (edits >= least) continue;
    best = candidate;
    least = edits;
  }
  return best;
}

const sorted = (word: string) => [...word].sort().join("");
