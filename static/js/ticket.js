// The client's own number: when it is called the phone vibrates and the title says so.
(function () {
  "use strict";

  var title = document.title;
  var wasCalled = Boolean(document.querySelector("[data-alert]"));

  document.addEventListener("polled", function () {
    var call = document.querySelector("[data-alert]");
    if (call && !wasCalled && navigator.vibrate) { navigator.vibrate([300, 150, 300]); }
    document.title = call ? "● " + call.textContent.trim() : title;
    wasCalled = Boolean(call);
  });
})();
