/** 32 bits of a text by FNV-1a, then mixed, so that near texts part. */
export function textHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return mix(hash);
}

/** MurmurHash3's finalizer. */
function mix(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A candidate's score for a task by both's hashes: for rendezvous over very many of them. */
export function pairScore(task: number, candidate: number): number {
  return mix(Math.imul(task, 0x9e3779b1) ^ candidate);
}

/**
 * The candidates, best first, for one task by rendezvous hashing (Thaler and
 * Ravishankar 1996): everybody who knows the same candidates ranks them alike, and
 * losing one moves only its own tasks. Not for places where a collision can be forged.
 */
export function ranked(task: string, candidates: Iterable<string>): string[] {
  const scored = [...new Set(candidates)].map((name) => ({
    name,
    score: textHash(`${task}\n${name}`),
  }));
  scored.sort((a, b) => b.score - a.score || (a.name < b.name ? -1 : 1));
  return scored.map(({ name }) => name);
}
