// Text as it is compared and sorted: without case, accents, compatibility forms and invisible characters. Pure.
// The twin of chats/search/folding.py and names.py; tests/cases/folding.json holds both to the same.

// Letters that have no decomposition, and what people type who do not have them on their keyboard.
const PLAIN = {
  ł: "l", ø: "o", đ: "d", ð: "d", ħ: "h", ŧ: "t", "\u0131": "i", ȷ: "j", ŋ: "n", ĸ: "k", ƀ: "b", ɨ: "i", ʉ: "u",
  æ: "ae", œ: "oe", þ: "th", "\u03c2": "\u03c3", ß: "ss",
};
const HAS_PLAIN = new RegExp(`[${Object.keys(PLAIN).join("")}]`, "gu");
// Dropped: marks, what draws nothing, and the stretched line of Arabic; a space without width ends a word.
const MARKS = /[\p{Mn}\p{Me}\u0640]|(?!\u200b)\p{Cf}/gu;
// Here marks are vowels: without them these scripts cannot be read.
const VOWELS = /[\u0900-\u109f\u1700-\u17ff\u1900-\u1aaf\u1b00-\u1c4f\ua800-\uabff]/u;
// But nuktas, viramas, tone marks and accents are dropped there, too.
const DROPPED = new RegExp(
  "[\u093c\u094d\u0951-\u0954\u09bc\u09cd\u09fe\u0a3c\u0a4d\u0abc\u0acd\u0b3c\u0b4d\u0bcd\u0c3c\u0c4d\u0cbc\u0ccd\u0d3b\u0d3c" +
  "\u0d4d\u0dca\u0e3a\u0e48-\u0e4b\u0eba\u0ec8-\u0ecb\u0f18\u0f19\u0f35\u0f37\u0f39\u0f82-\u0f84\u0f86\u0f87\u0fc6\u1037\u1039" +
  "\u103a\u108d\u1714\u1734\u17d2\u17dd\u1939-\u193b\u1a17\u1a18\u1a60\u1a75-\u1a7c\u1a7f\u1b34\u1b6b-\u1b73\u1baa\u1bab\u1be6" +
  "\u1bf2\u1bf3\u1c37\ua806\ua82c\ua8c4\ua8e0-\ua8f1\ua92b-\ua92d\ua953\ua9b3\ua9c0\uaab0-\uaabf\uaac1\uaaf6\uabed]",
  "u",
);
// Written without spaces, or with endings grown onto the words: found by any part.
const UNSPACED = "\\u0e00-\\u109f\\u1100-\\u11ff\\u1780-\\u17ff\\u3005-\\u3007\\u3021-\\u3029\\u3031-\\u3035\\u3041-\\u30ff\\u3105-\\u312f" +
  "\\u31a0-\\u31bf\\u31f0-\\u31ff\\u3400-\\u4dbf\\u4e00-\\u9fff\\ua960-\\ua97f\\uac00-\\ud7ff\\uf900-\\ufaff\\u{1aff0}-\\u{1b16f}\\u{20000}-\\u{3ffff}";
// A word, a part of such a script, or symbols.
const RUN = new RegExp(
  `(?<unspaced>(?:(?!\\p{N})(?=[\\p{L}\\p{M}])[${UNSPACED}])+)` +
  `|(?<word>(?:\\p{N}|(?![${UNSPACED}])[\\p{L}\\p{M}])+)` +
  "|(?<symbol>(?:(?![\\u0000-\\u007f])[\\p{So}\\p{Sc}\\p{Sm}])+)",
  "gu",
);
const CHEROKEE = /\p{Script=Cherokee}/gu; // compared by its capital letters, as Unicode says
const ASCII_ONLY = /^[\u0000-\u007f]*$/;

const withoutMarks = (text) =>
  text.normalize("NFKD").replace(MARKS, (mark) => (VOWELS.test(mark) && !DROPPED.test(mark) ? mark : ""));

/** `text` as it is compared. */
export function fold(text) {
  if (ASCII_ONLY.test(text)) return text.toLowerCase();
  const lower = withoutMarks(text).toLowerCase().replace(CHEROKEE, (letter) => letter.toUpperCase());
  const plain = lower.replace(HAS_PLAIN, (letter) => PLAIN[letter]);
  return withoutMarks(plain).normalize("NFC");
}

/** The words of a folded text, and what stands for words: [{kind: "word" | "unspaced" | "symbol", text}]. */
function runs(folded) {
  return [...folded.matchAll(RUN)].map(({ 0: text, groups }) => ({
    kind: groups.unspaced !== undefined ? "unspaced" : groups.word !== undefined ? "word" : "symbol",
    text,
  }));
}

/** The words of a name, folded. */
export function words(name) {
  return runs(fold(name)).map(({ text }) => text);
}

/** A name as it is found and sorted by: its folded words with single spaces; without any the folded name. */
export function nameKey(name) {
  return words(name).join(" ") || fold(name).trim();
}

/** The order of two keys, as the databases sort them: by code points, where `<` goes by units of UTF-16. */
export function compareKeys(one, other) {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at += 1;
  return (one.codePointAt(at) ?? -1) - (other.codePointAt(at) ?? -1);
}

/** For a list: a function (name, username) that says whether these have all words of `query`, by their beginnings. */
export function nameMatcher(query) {
  const folded = fold(query).trim();
  const wanted = runs(folded);
  if (wanted.length === 0) return (name) => folded === "" ? query.trim() === "" : nameKey(name) === folded;
  return (name, username = "") => {
    const key = nameKey(name);
    const parts = [...key.split(" "), username.toLowerCase(), ...username.toLowerCase().split(/[._-]/)];
    return wanted.every(({ kind, text }) =>
      kind === "word" ? parts.some((part) => part.startsWith(text)) : key.includes(text));
  };
}
