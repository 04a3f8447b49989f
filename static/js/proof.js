// Finds the number that a booking needs while somebody still chooses a time, so that nobody waits. Where it is not found
// yet when they press, the page says so and goes on by itself. Without Worker the server has another way.
(function () {
  "use strict";

  document.querySelectorAll("form[data-challenge]").forEach(function (form) {
    var given = form.dataset;
    var words = form.querySelector("[data-proof-words]");
    var proof = form.querySelector("input[name=proof]");
    var pressed = null;
    var isHeld = false;
    var worker;

    function fail() {
      form.removeEventListener("submit", hold);
      if (isHeld) { send(); } else { show(false); }
    }

    // Said a moment after it is shown: else screen readers pass over it.
    function show(isChecking) {
      var other = form.querySelector("[data-by-waiting]");
      if (other) { other.hidden = isChecking; }
      words.hidden = !isChecking;
      if (isChecking) { window.setTimeout(function () { words.textContent = words.dataset.proofWords; }, 50); }
    }

    function send() {
      if (pressed && pressed.name) {
        var field = document.createElement("input");
        field.type = "hidden";
        field.name = pressed.name;
        field.value = pressed.value;
        form.appendChild(field);
      }
      form.submit();
    }

    function hold(event) {
      isHeld = true;
      event.preventDefault();
      show(true);
    }

    if (!window.Worker) { return; }
    try { worker = new Worker(given.worker); } catch (error) { return; }
    form.addEventListener("click", function (event) { pressed = event.target.closest("button"); });
    form.addEventListener("submit", hold);
    worker.onerror = fail;
    worker.onmessage = function (event) {
      worker.terminate();
      if (event.data < 0) { fail(); return; }
      proof.value = given.challenge + "." + event.data;
      form.removeEventListener("submit", hold);
      if (isHeld || "goesOn" in given) { send(); }
    };
    if ("goesOn" in given) { show(true); }
    worker.postMessage({ salt: given.salt, hash: given.hash, numbers: Number(given.numbers) });
  });
})();
