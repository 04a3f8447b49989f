// The client's own number: when it is called, or called again, the phone rings and vibrates and the title says so.
(function () {
  "use strict";

  var title = document.title;
  var announced = document.querySelector("[data-announce]");
  var lastCall = currentCall();

  function currentCall() {
    var element = document.querySelector("[data-alert]");
    return element ? { calls: element.dataset.calls, words: element.textContent.replace("●", "").trim() } : null;
  }

  function alarm() {
    document.dispatchEvent(new CustomEvent("ring"));
    if (navigator.vibrate) { navigator.vibrate([400, 200, 400, 200, 400]); }
  }

  function show(call) {
    var words = call ? call.words.replace(/\s+/g, " ") : "";
    document.title = call ? "● " + words : title;
    announced.textContent = words;
  }

  document.addEventListener("polled", function () {
    var call = currentCall();
    if (call && (!lastCall || lastCall.calls !== call.calls)) { alarm(); }
    show(call);
    lastCall = call;
  });

  show(lastCall);
})();
