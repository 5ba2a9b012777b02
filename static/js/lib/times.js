// Times in the reader's zone and language. The server writes them in UTC for readers without scripts.
import { every } from "./clock.js";
import { text } from "./text.js";

const FRESH = 30000; // ms between two updates of times like "5 minutes ago"
const NEW_DAY = 5000; // ms between two checks of the date
const MINUTE = 60000;
const UNITS = [
  ["year", 365.25 * 24 * 60 * MINUTE],
  ["month", 30.4375 * 24 * 60 * MINUTE],
  ["week", 7 * 24 * 60 * MINUTE],
  ["day", 24 * 60 * MINUTE],
  ["hour", 60 * MINUTE],
  ["minute", MINUTE],
];

const CLOCK = "h23"; // as the server writes times for readers without scripts: one clock on the whole page

/** The page's language as the reader's region has it: de-AT on a German page, but nothing French on an English one. */
export function localeOf(pageLanguage, readerLanguages) {
  return readerLanguages.find((tag) => tag.split("-")[0].toLowerCase() === pageLanguage) ?? pageLanguage;
}

function locale() {
  if (typeof document === "undefined") return "en";
  return localeOf(document.documentElement.lang, navigator.languages);
}

const formatters = new Map();

function formatter(style) {
  if (!formatters.has(style)) {
    const options = {
      time: { hour: "2-digit", minute: "2-digit", hourCycle: CLOCK },
      day: { weekday: "long", day: "numeric", month: "long" },
      year: { day: "numeric", month: "long", year: "numeric" },
      full: { dateStyle: "medium", timeStyle: "short", hourCycle: CLOCK },
    }[style];
    formatters.set(style, new Intl.DateTimeFormat(locale(), options));
  }
  return formatters.get(style);
}

function relative() {
  if (!formatters.has("ago")) formatters.set("ago", new Intl.RelativeTimeFormat(locale()));
  return formatters.get("ago");
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

/** "02:55", and with the date on other days. */
export function momentLabel(date, now) {
  return formatter(dayKey(date) === dayKey(now) ? "time" : "full").format(date);
}

/** "5 minutes ago", in one unit; `words.just_now` within a minute, and where the server's clock is ahead of ours. */
export function agoLabel(date, now, words) {
  const passed = now - date;
  const unit = UNITS.find(([, length]) => passed >= length);
  if (unit === undefined) return words.just_now;
  return relative().format(-Math.floor(passed / unit[1]), unit[0]);
}

/** Show one <time> in the reader's zone; its title has the whole date. */
export function localizeTime(element) {
  const style = element.dataset.style || "time";
  if (!element.dateTime || style === "day") return;
  const date = new Date(element.dateTime);
  const words =
    style === "ago" ? agoLabel(date, Date.now(), { just_now: text("just_now") }) : formatter(style).format(date);
  if (element.textContent !== words) element.textContent = words;
  element.title = formatter("full").format(date);
}

/** Show every <time> below `root` in the reader's zone. */
export function localizeTimes(root) {
  for (const element of root.querySelectorAll("time[datetime]")) localizeTime(element);
}

/** The reader's time zone, which changes on a machine that travels. */
const zoneNow = () => new Intl.DateTimeFormat().resolvedOptions().timeZone;

/**
 * Call `onChange()` whenever the reader's day is another one: at midnight, after the machine slept over it, or in another
 * zone. The days are compared, because a timer set for midnight is late then, and early where the clock is set.
 */
export function watchDay({ onChange, clock, signal }) {
  let day = dayKey(new Date());
  let zone = zoneNow();
  const look = () => {
    const [present, here] = [dayKey(new Date()), zoneNow()];
    if (present === day && here === zone) return;
    if (here !== zone) {
      formatters.clear();
      localizeTimes(document);
    }
    [day, zone] = [present, here];
    onChange();
  };
  every(clock, NEW_DAY, look);
  document.addEventListener("visibilitychange", look, { signal });
}

/** Keep every "5 minutes ago" true while the page is visible. */
export function keepFresh({ clock, signal }) {
  const refresh = () => {
    if (document.visibilityState !== "visible") return;
    for (const element of document.querySelectorAll("time[data-style=ago]")) localizeTime(element);
  };
  every(clock, FRESH, refresh);
  document.addEventListener("visibilitychange", refresh, { signal });
}
