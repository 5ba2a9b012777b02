// Runs before the first paint, so it is no module: it sets what the reader chose on this device, the theme and whether the
// members are shown, in chats of many and in direct ones; and whether the address is that of the list of chats. On a phone that
// is where "/" leads, which the server has redirected to a chat.
(function () {
  /** Show "light" or "dark", or with anything else the system's theme; also in what the browser paints around the page. */
  const setTheme = (theme) => {
    const isChosen = theme === "light" || theme === "dark";
    if (isChosen) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    for (const color of document.querySelectorAll("meta[name='theme-color']")) {
      const { scheme } = color.dataset;
      color.media = isChosen ? (scheme === theme ? "all" : "not all") : `(prefers-color-scheme: ${scheme})`;
    }
  };
  addEventListener("theme.chosen", ({ detail }) => setTheme(detail)); // shell/menus.js
  try {
    setTheme(localStorage.getItem("flowra.theme"));
    for (const [name, key] of [["members", "flowra.members"], ["membersDirect", "flowra.members.direct"]]) {
      const choice = localStorage.getItem(key);
      if (choice === "shown" || choice === "hidden") document.documentElement.dataset[name] = choice;
    }
  } catch {
    // Storage is blocked: the system's theme applies.
  }
  document.documentElement.classList.add("js");
  const [arrival] = performance.getEntriesByType("navigation");
  const wasRedirected = arrival?.type === "navigate" && arrival.redirectCount > 0;
  const isPlainChat = location.pathname.startsWith("/chats/") && location.search === "" && location.hash === "";
  if (wasRedirected && isPlainChat && matchMedia("(max-width: 767.98px)").matches) {
    location.replace("#sidebar");
  }
  if (location.hash === "#sidebar") document.documentElement.dataset.screen = "list"; // drawers.js
})();
