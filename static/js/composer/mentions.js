// The part of a text that looks like a mention being typed, and the people it may mean. Pure.
// chats/markdown/naming.py has the same rule of where a name may stand; tests/cases/mentions.json holds both to it.
import { isCode } from "./code-spans.js";
import { compareKeys, fold, nameKey, words } from "../lib/folding.js";

const MOST = 8;
const LONGEST = 40; // characters of what is looked for
const LOOK_BACK = 400; // characters of the line before the caret
const QUERY = /^(?:[\p{L}\p{N}][\p{L}\p{M}\p{N}._'’·-]*(?: [\p{L}\p{N}][\p{L}\p{M}\p{N}._'’·-]*)*)?$/u;
const RUN = /[@＠]([A-Za-z0-9][A-Za-z0-9._-]*)/g;
// Addresses that are no links; see chats/markdown/naming.py.
const ADDRESS = new RegExp(
  "(?:(?<=[A-Za-z0-9])://" +
    "|(?<![\\p{L}\\p{N}_@＠.-])(?:localhost(?::\\d+)?|[A-Za-z0-9-]+(?:\\.[A-Za-z0-9-]+)+(?<=[A-Za-z]{2})(?::\\d+)?)/)" +
    "(?:[^\\s<>\"\\ufffc\\u3000-\\u303f\\uff00-\\uffef@]|(?<![)\\],;!?}'])@)*",
  "gu",
);
const DESTINATION = /\]\([^()\s]*$/;

function isDomain(run) {
  const name = run.replace(/[._-]+$/, "");
  const dot = name.lastIndexOf(".");
  return dot > 0 && /^[a-z]{2,}$/.test(name.slice(dot + 1));
}

/** Whether the @ at `at` of a line begins a name: not inside a word of the same script, or an address. */
function mayBegin(line, at) {
  const text = line.replace(ADDRESS, (address) => "\ufffc".repeat(address.length));
  if (!/[@＠]/.test(text[at] ?? "") || DESTINATION.test(text.slice(0, at))) return false;
  let nameEnds = -1;
  for (const run of text.slice(0, at).matchAll(RUN)) {
    if (mayFollow(text, run, nameEnds)) nameEnds = run.index + run[0].length;
  }
  const own = text.slice(at).match(/^[@＠]([A-Za-z0-9][A-Za-z0-9._-]*)?/);
  return mayFollow(text, { index: at, 0: own[0], 1: own[1] ?? "" }, nameEnds);
}

function mayFollow(text, run, nameEnds) {
  const end = run.index + run[0].length;
  const next = /^@([A-Za-z0-9][A-Za-z0-9._-]*)/.exec(text.slice(end));
  if (next !== null && isDomain(next[1])) return false; // @jane@example.org
  if (run.index === nameEnds) return !isDomain(run[1]);
  const [, last, joined] = /(.?)([\p{N}\p{M}_]*)$/su.exec(text.slice(0, run.index));
  if (/^[\p{Script=Latin}@＠]$/u.test(last)) return false;
  return joined === "" || !isDomain(run[1]); // 123@example.org
}

/** Returns {start, query} of the "@nam" that ends at `caret`, or null; `query` has up to `mostWords` words. */
export function partialMention(value, caret, mostWords = 1) {
  const lineStart = Math.max(value.lastIndexOf("\n", caret - 1) + 1, caret - LOOK_BACK);
  const line = value.slice(lineStart, caret);
  const at = Math.max(line.lastIndexOf("@"), line.lastIndexOf("＠"));
  if (at < 0) return null;
  const query = line.slice(at + 1);
  if ([...query].length > LONGEST || query.split(" ").length > mostWords || !QUERY.test(query)) return null;
  if (!mayBegin(line + /^[\w.@-]{0,100}/.exec(value.slice(caret))[0], at)) return null;
  return isCode(value, lineStart + at) ? null : { start: lineStart + at, query };
}

// Names in these scripts have no spaces between their words.
const UNSPACED = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]+$/u;

function fits({ username, name }, wanted) {
  if (wanted.length === 1 && fold(username).startsWith(wanted[0])) return true;
  const own = [...words(name), ...words(username)];
  const isMeant = (word) => own.some((part) => part.startsWith(word) || (UNSPACED.test(word) && part.includes(word)));
  return wanted.every((part) => words(part).every(isMeant));
}

/**
 * People [{id, username, name}] who may be meant by `query`: it is the beginning of their username, or each of its words
 * that of a word of their name. First those of `recent`, ids of who has written here, the latest first; then by name.
 */
export function matching(people, query, recent = []) {
  const wanted = query.split(" ").map(fold).filter((word) => word !== "");
  const found = wanted.length === 0 ? [...people] : people.filter((person) => fits(person, wanted));
  const places = new Map(recent.map((id, index) => [id, index]));
  const place = ({ id }) => places.get(id) ?? recent.length;
  const keys = new Map(found.map(({ id, name }) => [id, nameKey(name)]));
  return found.sort((a, b) => place(a) - place(b) || compareKeys(keys.get(a.id), keys.get(b.id))).slice(0, MOST);
}

/** Whether `query` names this person in full already: then nothing needs to be completed. */
export function isWritten(query, { username }) {
  return query.split(" ")[0].toLowerCase() === username.toLowerCase();
}
