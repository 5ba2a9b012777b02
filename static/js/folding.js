// Texts as people compare names: without case, accents and the forms that characters may be stored in. Pure.

// What has no decomposition in Unicode, and people type without the stroke.
const PLAIN = {
  ß: "ss", æ: "ae", œ: "oe", ø: "o", ł: "l", đ: "d", ð: "d", þ: "th", ħ: "h", ı: "i", ŋ: "n", ŧ: "t", ĸ: "k", ς: "σ",
};
const SIGNS = new RegExp(`[${Object.keys(PLAIN).join("")}]`, "g");
// Accents and the like, and vowel points of Hebrew; the vowel signs of Indian and Thai script are letters to their readers.
const MARKS = /[\p{Script=Inherited}\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7]/gu;

/** Returns `text` folded: "Zoë" and "ZOE" are the same. */
export function fold(text) {
  return text.normalize("NFKD").toLowerCase().normalize("NFKD").replace(MARKS, "").replace(SIGNS, (sign) => PLAIN[sign]);
}

/** The words of a name, folded. */
export function words(name) {
  return fold(name).split(/[^\p{L}\p{M}\p{N}]+/u).filter((word) => word !== "");
}
