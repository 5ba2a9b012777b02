// Bold, italic and code in a text with a selection: what to replace by what. Pure.
//
// Each function takes {value, start, end} and returns {start, end, words, from, to}: the range to replace, by what, and
// what is selected afterwards.
import { letterOf } from "../lib/keys.js";

const PREFIX = /^(?:[ \t]*(?:>|[-*+](?= )|\d{1,9}[.)](?= )))*[ \t]*/; // quotes and list signs stay outside of the marks
const BOLD = "**";

/** How many of `sign` stand at the beginning, or with `isEnd` at the end, of a text. */
function count(text, sign, isEnd = false) {
  const letters = isEnd ? [...text].reverse() : [...text];
  const other = letters.findIndex((letter) => letter !== sign);
  return other < 0 ? letters.length : other;
}

/** Whether a run of that many stars means `mark`: one is italic, two are bold, three both. */
function isOn(mark, stars) {
  return mark === BOLD ? stars >= 2 : stars === 1 || stars >= 3;
}

function trimmed(value, start, end) {
  const words = value.slice(start, end);
  if (words.trim() === "") return [start, end];
  return [start + words.length - words.trimStart().length, end - (words.length - words.trimEnd().length)];
}

function edit(start, end, words, from, to) {
  return { start, end, words, from, to };
}

/** Put `mark`, "**" or "*", around the selection, or take it off again; spaces stay outside. */
export function emphasize({ value, start, end }, mark) {
  if (value.slice(start, end).includes("\n")) return emphasizeLines(value, start, end, mark);
  const [from, to] = trimmed(value, start, end);
  const words = value.slice(from, to);
  const size = mark.length;
  const around = Math.min(count(value.slice(0, from), "*", true), count(value.slice(to), "*"));
  const inside = Math.min(count(words, "*"), count(words, "*", true));
  if (around > 0 && isOn(mark, around)) return edit(from - size, to + size, words, from - size, to - size);
  if (words.length > 2 * inside && isOn(mark, inside)) {
    return edit(from, to, words.slice(size, -size), from, to - 2 * size);
  }
  if (words.trim() === "") return edit(start, end, `${mark}${mark}${words}`, start + size, start + size);
  return edit(from, to, `${mark}${words}${mark}`, from + size, to + size);
}

function emphasizeLines(value, start, end, mark) {
  const size = mark.length;
  const lines = value.slice(start, end).split("\n").map((line) => {
    const [, prefix, words, space] = new RegExp(`^(${PREFIX.source.slice(1)})(.*?)(\\s*)$`, "su").exec(line);
    const inside = Math.min(count(words, "*"), count(words, "*", true));
    return { prefix, words, space, isMarked: words.length > 2 * inside && isOn(mark, inside) };
  });
  const isAll = lines.every(({ words, isMarked }) => words === "" || isMarked);
  const made = lines.map(({ prefix, words, space, isMarked }) => {
    let marked = words;
    if (words !== "" && isAll) marked = words.slice(size, -size);
    else if (words !== "" && !isMarked) marked = `${mark}${words}${mark}`;
    return prefix + marked + space;
  }).join("\n");
  return edit(start, end, made, start, start + made.length);
}

/** Make the selection code, or text again: between backticks, several lines between fences. */
export function toggleCode({ value, start, end }) {
  const selected = value.slice(start, end);
  const fenced = unfence(value, start, end);
  if (fenced !== null) return fenced;
  if (selected.trim().includes("\n")) return fence(value, start, end);
  const [from, to] = trimmed(value, start, end);
  const words = value.slice(from, to);
  const around = Math.min(count(value.slice(0, from), "`", true), count(value.slice(to), "`"));
  if (around > 0) return edit(from - around, to + around, words, from - around, to - around);
  const inside = Math.min(count(words, "`"), count(words, "`", true));
  if (inside > 0 && words.length > 2 * inside) {
    const bare = words.slice(inside, -inside);
    const code = /^ .*` $|^ `.* $/.test(bare) ? bare.slice(1, -1) : bare;
    return edit(from, to, code, from, from + code.length);
  }
  if (words.trim() === "") return edit(start, end, `\`\`${words}`, start + 1, start + 1);
  const mark = "`".repeat(longestRun(words) + 1);
  const gap = words.startsWith("`") || words.endsWith("`") ? " " : "";
  return edit(from, to, mark + gap + words + gap + mark, from + mark.length + gap.length, to + mark.length + gap.length);
}

function longestRun(words) {
  return Math.max(0, ...(words.match(/`+/g) ?? []).map((run) => run.length));
}

/** Put whole lines into a fenced block: it begins and ends on lines of its own. */
function fence(value, start, end) {
  const words = value.slice(start, end).replace(/^\n+|\n+$/g, "");
  const mark = "`".repeat(Math.max(3, longestRun(words) + 1));
  const before = start > 0 && value[start - 1] !== "\n" ? "\n" : "";
  const after = end < value.length && value[end] !== "\n" ? "\n" : "";
  const from = start + before.length + mark.length + 1;
  return edit(start, end, `${before}${mark}\n${words}\n${mark}${after}`, from, from + words.length);
}

/** Take the fences off a selection that has them, or stands right between them; null where there are none. */
function unfence(value, start, end) {
  const own = /^\n*(`{3,})[^\n`]*\n(.*?)\n?\1\n*$/s.exec(value.slice(start, end));
  if (own !== null) return edit(start, end, own[2], start, start + own[2].length);
  const before = /(?:^|\n)((`{3,})[^\n`]*\n)$/.exec(value.slice(0, start));
  if (before === null) return null;
  const after = new RegExp(`^\\n?${before[2]}(?=\\n|$)`).exec(value.slice(end));
  if (after === null) return null;
  const from = start - before[1].length;
  return edit(from, end + after[0].length, value.slice(start, end), from, from + end - start);
}

// --- Keys ---

const isApple = /Mac|iPhone|iPad/.test(globalThis.navigator?.platform ?? "");

/** What a key asks for, given as {value, start, end} → edit; null where it is no command. */
export function commandOf(event) {
  const [command, other] = isApple ? [event.metaKey, event.ctrlKey] : [event.ctrlKey, event.metaKey];
  if (!command || other || event.altKey) return null;
  const letter = letterOf(event);
  if (letter === "b" && !event.shiftKey) return (selected) => emphasize(selected, BOLD);
  if (letter === "i" && !event.shiftKey) return (selected) => emphasize(selected, "*");
  return letter === "c" && event.shiftKey ? toggleCode : null;
}
