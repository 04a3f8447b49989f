// The waiting room's screen: a clock, and a tone when a number is called or called again.
(function () {
  "use strict";

  var clock = document.querySelector("[data-clock]");
  var lastCall = currentCall();

  function currentCall() {
    var element = document.querySelector("[data-call]");
    return element ? element.dataset.call : "";
  }

  function tick() {
    var zone = document.body.dataset.zone;
    clock.textContent = new Date().toLocaleTimeString("de-DE", { timeZone: zone, hour: "numeric", minute: "2-digit" });
  }

  document.addEventListener("polled", function () {
    var call = currentCall();
    if (call && call !== lastCall) { document.dispatchEvent(new CustomEvent("ring")); }
    lastCall = call;
  });

  tick();
  window.setInterval(tick, 1000);
})();
