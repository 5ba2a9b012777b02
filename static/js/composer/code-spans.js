// Where a text is code as Markdown has it: what stands there is not formatted, and names nobody. Pure.

const FENCE = /^ {0,3}(`{3,}|~{3,})(.*)$/;
const ITEM = /^ {0,3}(?:[-*+]|\d{1,9}[.)])(?: {1,4}|$)/;
const QUOTE = /^ {0,3}> ?/;
const BLANK = /^[ \t]*$/;

/** The text before a line's own content: {quotes, indent, rest}, `indent` in columns of lists that begin in this line. */
function contained(line) {
  let quotes = 0;
  let indent = 0;
  let rest = line;
  for (;;) {
    const quote = indent === 0 ? QUOTE.exec(rest) : null;
    const prefix = quote ?? ITEM.exec(rest);
    if (prefix === null) return { quotes, indent, rest };
    if (quote !== null) quotes += 1;
    else indent += prefix[0].length;
    rest = rest.slice(prefix[0].length);
  }
}

/** A line without the quotes and list columns that a fence stands in; null where the line is in them no more. */
function within(fence, line) {
  let rest = line;
  for (let level = 0; level < fence.quotes; level += 1) {
    const quote = QUOTE.exec(rest);
    if (quote === null) return null;
    rest = rest.slice(quote[0].length);
  }
  if (fence.indent === 0 || BLANK.test(rest)) return rest;
  return /^ */.exec(rest)[0].length < fence.indent ? null : rest.slice(fence.indent);
}

function opened(line) {
  const { quotes, indent, rest } = contained(line);
  const match = FENCE.exec(rest);
  if (match === null || (match[1][0] === "`" && match[2].includes("`"))) return null;
  return { quotes, indent, mark: match[1] };
}

function closes(fence, rest) {
  const match = FENCE.exec(rest);
  return match !== null && match[1][0] === fence.mark[0] && match[1].length >= fence.mark.length && BLANK.test(match[2]);
}

/** The lines of a text: [{start, line, kind}], `kind` is "fence" (with what is in it), "indented", "blank" or "text". */
function lines(value) {
  const found = [];
  let fence = null;
  let start = 0;
  let isInList = false;
  let before = "blank";
  for (const line of value.split("\n")) {
    const rest = fence === null ? null : within(fence, line);
    if (rest === null) fence = null;
    let kind;
    if (fence !== null) {
      kind = "fence";
      if (closes(fence, rest)) fence = null;
    } else {
      fence = opened(line);
      if (fence !== null) kind = "fence";
      else if (BLANK.test(line)) kind = "blank";
      else if (/^(?: {4}| {0,3}\t)/.test(line) && !isInList && before !== "text") kind = "indented";
      else kind = "text";
      if (!/^[ \t]/.test(line) && kind !== "blank") isInList = ITEM.test(line);
    }
    if (kind !== "blank" || before !== "indented") before = kind;
    found.push({ start, line, kind });
    start += line.length + 1;
  }
  return { found, isOpen: fence !== null };
}

/** Whether what is typed at the end of `value` goes into a fenced block that is not closed yet. */
export function isFenceOpen(value) {
  return lines(value).isOpen;
}

/** The paragraph around `place`: lines of text that nothing interrupts. */
function paragraph(found, index) {
  const isBreak = (at) => found[at]?.kind !== "text";
  let first = index;
  let last = index;
  while (!isBreak(first - 1) && !ITEM.test(found[first].line)) first -= 1;
  while (!isBreak(last + 1) && !ITEM.test(found[last + 1].line)) last += 1;
  return { start: found[first].start, end: found[last].start + found[last].line.length };
}

function isInSpan(text, place) {
  const runs = /\\[\\`]|`+/g;
  for (let open = runs.exec(text); open !== null && open.index <= place; open = runs.exec(text)) {
    if (open[0][0] === "\\") continue;
    const close = new RegExp(`(?<!\`)\`{${open[0].length}}(?!\`)`, "g");
    close.lastIndex = open.index + open[0].length;
    const end = close.exec(text);
    if (end === null) continue;
    if (place < end.index) return true;
    runs.lastIndex = end.index + open[0].length;
  }
  return false;
}

/** Whether the character at `place` is in code: fenced, indented, or between backticks. */
export function isCode(value, place) {
  const { found } = lines(value);
  let index = found.length - 1;
  while (found[index].start > place) index -= 1;
  if (found[index].kind !== "text") return found[index].kind !== "blank";
  const { start, end } = paragraph(found, index);
  return isInSpan(value.slice(start, end), place - start);
}
