// The clipboard, which not every browser lets a page write to.

/** Copy `words`; returns whether the browser has let us: it forbids it, or the page came without HTTPS. */
export async function copyText(words) {
  try {
    await navigator.clipboard.writeText(words);
    return true;
  } catch (error) {
    if (!(error instanceof DOMException || error instanceof TypeError)) throw error;
    return false;
  }
}
