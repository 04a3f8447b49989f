// The register panel by keyboard: each answer and each button names its key in data-key.
// A key counts unless somebody is typing into a field.
(function () {
  "use strict";

  var form = document.querySelector("[data-register]");
  if (!form) { return; }

  function isTyping(target) {
    return target.matches("input:not([type=radio]):not([type=checkbox]), select, textarea");
  }

  function press(control) {
    if (control.type === "radio") {
      control.checked = true;
    } else if (control.type === "checkbox") {
      control.checked = !control.checked;
    } else if (control.tagName === "BUTTON") {
      control.click();
    } else {
      control.focus();
    }
  }

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isTyping(event.target)) { return; }
    // Enter on a button or link elsewhere on the page means that button.
    if (event.key === "Enter" && event.target.matches("a, button")) { return; }
    var control = Array.from(document.querySelectorAll("[data-key]")).find(function (each) {
      return each.dataset.key.toLowerCase() === event.key.toLowerCase();
    });
    if (control) { event.preventDefault(); press(control); }
  });

  // A second press while the first is on its way would give two numbers.
  form.addEventListener("submit", function (event) {
    if (form.dataset.sent) { event.preventDefault(); }
    form.dataset.sent = "1";
  });
  window.addEventListener("pageshow", function () { delete form.dataset.sent; });
})();
