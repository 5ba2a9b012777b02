// Members beyond those whom the page lists, asked of the server while somebody types a name.

const SETTLE = 150; // ms without another key before the server is asked
const KEPT = 300; // people who were found and are offered without asking again
const ASKED = 100; // queries that are not asked again

export class MemberSearch {
  /**
   * `load(query, signal)` returns a promise of people [{id, username, name}], which is rejected with an Error of the class
   * `Fault` where they cannot be had now; `onFound()` is called when there are more.
   */
  constructor({ load, Fault, onFound, clock }) {
    Object.assign(this, { load, Fault, onFound, clock });
    this.found = new Map(); // by id, the oldest first
    this.asked = new Set();
    this.timer = null;
    this.running = null; // AbortController
  }

  people() {
    return [...this.found.values()];
  }

  /** Look for `query` once no other comes; null stops looking. */
  want(query) {
    this.clock.clearTimeout(this.timer);
    this.running?.abort();
    this.running = null;
    if (query === null || query === "" || this.asked.has(query.toLowerCase())) return;
    this.timer = this.clock.setTimeout(() => this.ask(query), SETTLE);
  }

  async ask(query) {
    const running = new AbortController();
    this.running = running;
    let people;
    try {
      people = await this.load(query, running.signal);
    } catch (error) {
      if (!(error instanceof this.Fault)) throw error;
      return; // those whom the page lists are offered; the next key asks again
    }
    if (this.running !== running) return;
    this.running = null;
    keep(this.asked, (asked) => asked.add(query.toLowerCase()), ASKED);
    for (const person of people) {
      this.found.delete(person.id);
      keep(this.found, (found) => found.set(person.id, person), KEPT);
    }
    if (people.length > 0) this.onFound();
  }
}

/** Add to a Map or Set, and take the oldest out where there are more than `most`. */
function keep(collection, add, most) {
  add(collection);
  if (collection.size > most) collection.delete(collection.keys().next().value);
}
