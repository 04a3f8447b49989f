// Keeps an element up to date: asks its address with the ETag it has, and puts in what came.
// <div data-poll="/address" data-poll-seconds="4" data-offline="No connection. As of">
// What came may say in data-poll-again how many seconds later to ask again.
// After each change the document gets a "polled" event. When the line is down a bar says since when.
(function () {
  "use strict";

  var HELD_MS = 3000;  // at most
  var CLICK_AFTER_MS = 400;  // a finger's click comes a while after the finger is gone
  var bar = null;
  var lastGood = new Date();

  // The town's time, whatever the device's own clock is set to.
  function clock(at) {
    return at.toLocaleTimeString("de-DE", { timeZone: document.body.dataset.zone, hour: "numeric", minute: "2-digit" });
  }

  function showOffline(words) {
    if (!bar) {
      bar = document.createElement("p");
      bar.className = "offline";
      bar.setAttribute("role", "status");
      document.body.appendChild(bar);
    }
    bar.textContent = words + " " + clock(lastGood);
  }

  function showOnline() {
    lastGood = new Date();
    if (bar) { bar.remove(); bar = null; }
  }

  // Whoever works by keyboard stays where they were: buttons in polled parts carry ids.
  function replace(element, html) {
    var focused = element.contains(document.activeElement) ? document.activeElement.id : "";
    element.innerHTML = html;
    var again = focused && document.getElementById(focused);
    if (again) { again.focus(); }
    document.dispatchEvent(new CustomEvent("polled", { detail: element }));
  }

  function listen(target, names, listener) {
    names.split(" ").forEach(function (name) {
      target.addEventListener(name, listener, { capture: true, passive: true });
    });
  }

  // A button that is replaced between press and release has no click: what comes meanwhile is held, the latest counts.
  function makePut(element) {
    var held = null;
    var limit = null;  // runs from a press to its end
    var soon = null;

    function letGo() {
      var html = held;
      window.clearTimeout(limit);
      window.clearTimeout(soon);
      held = limit = soon = null;
      if (html !== null) { replace(element, html); }
    }

    function begin() {
      window.clearTimeout(soon);
      if (limit === null) { limit = window.setTimeout(letGo, HELD_MS); }
    }

    function end(event) {
      if (limit === null) { return; }
      window.clearTimeout(soon);
      soon = window.setTimeout(letGo, event.type === "click" ? 0 : CLICK_AFTER_MS);
    }

    // Whichever of them this browser knows. A key may press a button here from wherever the focus is.
    listen(element, "pointerdown mousedown touchstart", begin);
    listen(document, "keydown", begin);
    listen(document, "pointerup pointercancel mouseup touchend touchcancel keyup click", end);

    return function (html) {
      if (limit === null) { replace(element, html); } else { held = html; }
    };
  }

  function start(element) {
    var put = makePut(element);
    var etag = null;
    var timer = null;

    function ask() {
      var headers = etag ? { "If-None-Match": etag } : {};
      timer = null;
      fetch(element.dataset.poll, { headers: headers, cache: "no-store", credentials: "same-origin" })
        .then(function (response) {
          // Logged out, or over for good: the page itself says so, unless something on it wants to be kept first.
          if (response.redirected || response.status === 410) {
            var shutOut = new CustomEvent("shut-out", { cancelable: true });
            if (response.status === 410 || document.dispatchEvent(shutOut)) { window.location.reload(); }
            return null;
          }
          if (response.status === 304) { showOnline(); return null; }
          if (!response.ok) { throw new Error("status " + response.status); }
          showOnline();
          etag = response.headers.get("ETag");
          return response.text();
        })
        .then(function (html) { if (html !== null) { put(html); } })
        .catch(function () { showOffline(element.dataset.offline); })
        .then(again);
    }

    function seconds() {
      var said = element.querySelector("[data-poll-again]");
      return Number(said ? said.dataset.pollAgain : element.dataset.pollSeconds);
    }

    function again() {
      // A hidden page asks rarely: a phone in a pocket should not.
      timer = window.setTimeout(ask, (document.hidden ? Math.max(seconds(), 20) : seconds()) * 1000);
    }

    // Whoever looks again sees how things stand now.
    document.addEventListener("visibilitychange", function () {
      if (!document.hidden && timer !== null) { window.clearTimeout(timer); ask(); }
    });

    again();
  }

  document.querySelectorAll("[data-poll]").forEach(start);
})();
