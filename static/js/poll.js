// Keeps an element up to date: asks its address with the ETag it has, and puts in what came.
// <div data-poll="/address" data-poll-seconds="4" data-offline="No connection. As of">
// What came may say in data-poll-again how many seconds later to ask again.
// After each change the document gets a "polled" event. When the line is down a bar says since when.
(function () {
  "use strict";

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

  function start(element) {
    var etag = null;
    var timer = null;

    function ask() {
      var headers = etag ? { "If-None-Match": etag } : {};
      timer = null;
      fetch(element.dataset.poll, { headers: headers, cache: "no-store", credentials: "same-origin" })
        .then(function (response) {
          // Logged out, or over for good: the page itself says so.
          if (response.redirected || response.status === 410) { window.location.reload(); return null; }
          if (response.status === 304) { showOnline(); return null; }
          if (!response.ok) { throw new Error("status " + response.status); }
          showOnline();
          etag = response.headers.get("ETag");
          return response.text();
        })
        .then(function (html) { if (html !== null) { replace(element, html); } })
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
