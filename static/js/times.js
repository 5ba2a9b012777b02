// Times in the reader's zone and language. The server writes them in UTC for readers without scripts.

const language = () => (typeof document === "undefined" ? "en" : document.documentElement.lang || undefined);
const formatters = new Map();

function formatter(style) {
  if (!formatters.has(style)) {
    const options = {
      time: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
      day: { weekday: "long", day: "numeric", month: "long" },
      year: { day: "numeric", month: "long", year: "numeric" },
      full: { dateStyle: "medium", timeStyle: "short" },
    }[style];
    formatters.set(style, new Intl.DateTimeFormat(language(), options));
  }
  return formatters.get(style);
}

/** A key that two moments share if they fall on the same day where the reader is. */
export function dayKey(date) {
  return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
}

/** "Today", "Yesterday", "Monday, 2 March", and with the year in other years. */
export function dayLabel(date, now, words) {
  if (dayKey(date) === dayKey(now)) return words.today;
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (dayKey(date) === dayKey(yesterday)) return words.yesterday;
  return formatter(date.getFullYear() === now.getFullYear() ? "day" : "year").format(date);
}

/** Show one <time> in the reader's zone; its title has the whole date. */
export function localizeTime(element) {
  if (!element.dateTime || element.dataset.style === "day") return;
  const date = new Date(element.dateTime);
  element.textContent = formatter(element.dataset.style || "time").format(date);
  element.title = formatter("full").format(date);
}

/** Show every <time> below `root` in the reader's zone. */
export function localizeTimes(root) {
  for (const element of root.querySelectorAll("time[datetime]")) localizeTime(element);
}
