// A locked screen shows nothing: every staff page asks once a minute whether it is locked meanwhile, in another window or
// because nobody was here. Typing and pressing count as being here, so nobody is locked out while filling in a form.
(function () {
  "use strict";

  var place = document.querySelector("[data-lock-state]");
  var used = false;
  if (!place) { return; }

  ["keydown", "mousedown", "touchstart"].forEach(function (name) {
    document.addEventListener(name, function () { used = true; }, { passive: true });
  });

  function ask() {
    var address = place.dataset.lockState + (used ? "?used=1" : "");
    used = false;
    fetch(address, { cache: "no-store", credentials: "same-origin" })
      .then(function (response) {
        if (response.redirected) { window.location.replace(place.dataset.lock); }
      })
      .catch(function () { used = true; }); // no connection: what was done counts at the next try
  }

  window.setInterval(ask, 60000);
  // Back from another page, or out of the browser's memory: ask at once.
  window.addEventListener("pageshow", function (event) { if (event.persisted) { ask(); } });
})();
