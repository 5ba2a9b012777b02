// Storage that may be blocked or full: then nothing is remembered, and nothing else breaks.

export function recall(storage, key) {
  try {
    return storage.getItem(key);
  } catch {
    return null;
  }
}

/** Store a text; null removes it. Returns whether that was possible. */
export function remember(storage, key, value) {
  try {
    if (value === null) storage.removeItem(key);
    else storage.setItem(key, value);
    return true;
  } catch {
    return false;
  }
}
