// A chat whose revision rises, and the way from it to one client: events get lost, doubled and overtaken, answers are
// refused or never come. In revision order, as the protocol has it, comes only what answers a `subscribe`.
import { Refused } from "../../../static/js/net/requests.js";

const MOST_CAUGHT_UP = 12; // changes: with more the chat is loaded anew (500 on the server)

export class FakeChat {
  messages = new Map(); // id → {id, revision, isNewAt}
  revision = 0;
  seq = 0;

  constructor(id) {
    this.id = id;
  }

  /** Change something, as a person would; returns the live event. */
  change(chance) {
    const kind = this.messages.size === 0 ? "posted" : chance.by({ posted: 5, edited: 3, deleted: 1 });
    const id = kind === "posted" ? `${this.id}${++this.seq}` : chance.of([...this.messages.keys()]);
    this.revision += 1;
    const isNewAt = kind === "posted" ? this.revision : this.messages.get(id).isNewAt;
    this.messages.set(id, { id, revision: this.revision, isNewAt, kind });
    return this.frame(kind, id, this.revision);
  }

  frame(kind, id, revision) {
    return { type: `chat.message.${kind}`, chat_id: this.id, data: { id, revision } };
  }

  /** The frames that answer `subscribe` with `since`, and the fields of the ack. */
  since(since) {
    const changed = [...this.messages.values()].filter(({ revision }) => revision > since);
    const { revision } = this;
    if (changed.length > MOST_CAUGHT_UP || since > revision) return { frames: [], ack: { revision, reset: true } };
    changed.sort((one, other) => one.revision - other.revision);
    const frames = changed.map((one) => this.frame(one.isNewAt > since ? "posted" : one.kind, one.id, one.revision));
    return { frames, ack: { revision } };
  }

  /** What a page that is loaded now shows: id → revision. */
  snapshot() {
    return new Map([...this.messages.values()].map(({ id, revision }) => [id, revision]));
  }
}

/** One connection: `wire` is what is on its way to the client, in order; `limbo` events that are not there yet. */
export class Line {
  wire = [];
  limbo = [];

  constructor(chance) {
    this.chance = chance;
  }

  /** A live event: lost, doubled, or late. */
  announce(frame, isReliable = false) {
    if (!isReliable && this.chance.is(0.2)) return;
    this.limbo.push({ frame });
    if (!isReliable && this.chance.is(0.1)) this.limbo.push({ frame });
  }

  /** Some event of those that are late gets onto the wire, in any order. */
  settle() {
    if (this.limbo.length === 0) return;
    const [item] = this.limbo.splice(this.chance.below(this.limbo.length), 1);
    this.wire.push(item);
  }

  /** The server answers a question. */
  answer(chat, { since, done, failed }, isGood) {
    const kind = isGood ? "done" : this.chance.by({ done: 10, internal: 1, rate_limited: 1 });
    if (kind !== "done") {
      const frame = { code: kind, retry_after: kind === "rate_limited" ? this.chance.below(5) : undefined };
      this.wire.push({ call: (now) => failed(new Refused(kind, "", frame), now) });
      return;
    }
    const { frames, ack } = chat.since(since);
    this.wire.push(...frames.map((frame) => ({ frame })), { call: (now) => done(ack, now) });
  }
}
