// Hides all but numbers on the desk's screen, for whoever should not read it. Loaded before the page is drawn, so that
// nothing shows for a moment; kept for this window, so that polls and new pages keep it.
(function () {
  "use strict";

  var NAME = "discreet";
  var root = document.documentElement;

  function remembered() {
    try { return window.sessionStorage.getItem(NAME) === "1"; } catch (error) { return false; }
  }

  function remember(on) {
    try { window.sessionStorage.setItem(NAME, on ? "1" : "0"); } catch (error) { /* only this page, then */ }
  }

  function set(on) { root.classList[on ? "add" : "remove"](NAME); }

  set(remembered());

  document.addEventListener("DOMContentLoaded", function () {
    var button = document.querySelector("[data-discreet]");
    var words = button.querySelector("[data-words]");
    var hide = words.textContent;

    function say() {
      var on = root.classList.contains(NAME);
      words.textContent = on ? button.dataset.discreet : hide;
      button.classList[on ? "add" : "remove"]("button--main");
    }

    button.hidden = false;
    say();
    button.addEventListener("click", function () {
      var on = !root.classList.contains(NAME);
      set(on);
      remember(on);
      say();
    });
  });
})();
