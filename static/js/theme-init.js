// Runs before the first paint, so it is no module: it sets the theme the reader chose on this device.
(function () {
  try {
    const theme = localStorage.getItem("flowra.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage is blocked: the system's theme it is.
  }
  document.documentElement.classList.add("js");
})();
