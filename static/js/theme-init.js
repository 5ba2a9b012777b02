// Runs before the first paint, so it is no module: it sets the theme the reader chose on this device, and
// whether the members' pane is folded.
(function () {
  try {
    const theme = localStorage.getItem("flowra.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
    if (localStorage.getItem("flowra.members") === "hidden") document.documentElement.dataset.members = "hidden";
  } catch {
    // Storage is blocked: the system's theme applies.
  }
  document.documentElement.classList.add("js");
})();
