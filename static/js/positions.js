// How far a chat has been heard without a gap. Live events may overtake each other, so the highest
// revision alone would not do: asking for what came "since" it would miss the one that was lost before it.

export class Position {
  constructor(revision) {
    this.contiguous = revision;
    this.ahead = new Set();
  }

  /** Note a change that was heard. */
  heard(revision) {
    if (revision <= this.contiguous) return;
    this.ahead.add(revision);
    while (this.ahead.delete(this.contiguous + 1)) this.contiguous += 1;
  }

  /** Note that the server has sent everything up to `revision`. */
  caughtUp(revision) {
    this.contiguous = Math.max(this.contiguous, revision);
    for (const one of [...this.ahead].sort((a, b) => a - b)) {
      this.ahead.delete(one);
      this.heard(one);
    }
  }
}
