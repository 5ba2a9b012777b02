// Random tests that can be run again: FLOWRA_JS_SEED sets another seed, FLOWRA_JS_RUNS multiplies the sequences.
const SEED = Number(process.env.FLOWRA_JS_SEED ?? 1);
const FACTOR = Number(process.env.FLOWRA_JS_RUNS ?? 1);

/** The numbers that a seed stands for (mulberry32). */
export class Chance {
  constructor(seed) {
    this.seed = seed >>> 0;
  }

  /** In [0, 1). */
  next = () => {
    this.seed = (this.seed + 0x6d2b79f5) >>> 0;
    let mixed = this.seed;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };

  /** An integer from 0 to `below` - 1. */
  below(below) {
    return Math.floor(this.next() * below);
  }

  is(probability) {
    return this.next() < probability;
  }

  of(list) {
    return list[this.below(list.length)];
  }

  /** A key of `weights`, each as often as its weight says. */
  by(weights) {
    const entries = Object.entries(weights);
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) {
      left -= weight;
      if (left < 0) return key;
    }
    return entries.at(-1)[0];
  }
}

/** Run `body(chance, log)` with `runs` seeds; a failure says the seed, and the steps that the body has put in `log`. */
export async function randomly(runs, body) {
  for (let run = 0; run < runs * FACTOR; run += 1) {
    const seed = SEED * 1_000_003 + run;
    const log = [];
    try {
      const ends = body(new Chance(seed), log);
      if (ends instanceof Promise) await ends; // not always: a turn of the event loop costs more than many a run
    } catch (error) {
      const how = `FLOWRA_JS_SEED=${SEED}, run ${run} (seed ${seed}) after ${log.length} steps:\n  ${log.join("\n  ")}`;
      throw new Error(`${error.message}\n${how}`, { cause: error });
    }
  }
}
