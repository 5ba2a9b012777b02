// Avatars. chats/templatetags/chat_tags.py does the same on the server.

const HUES = 8;

/** The first letters of the first and the last word, upper-cased. */
export function initials(name) {
  const words = name.split(/\s+/).filter(Boolean);
  if (words.length === 0) return "?";
  const first = [...words[0]][0];
  const last = words.length > 1 ? [...words[words.length - 1]][0] : "";
  return (first + last).toUpperCase();
}

/** The number of a user's colour. */
export function hue(userId) {
  return Number.parseInt(userId.slice(-4), 16) % HUES;
}

/** Fill an avatar element. */
export function paintAvatar(element, userId, name) {
  element.dataset.avatarOf = userId;
  element.dataset.hue = String(hue(userId));
  element.textContent = initials(name);
}
