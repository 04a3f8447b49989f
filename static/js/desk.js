// The panel by keyboard: each answer and each button names its key in data-key, arrows walk through free times.
// A key counts unless somebody is typing into a field. What is answered goes along to where a link or form leads.
(function () {
  "use strict";

  var ANSWERS = ["age", "concern", "language", "people", "urgent", "fetch", "adviser"];
  var answers = document.querySelector("form[data-answers]");

  var APART_MS = 35;  // nobody types six keys this close together, a scanner does
  var pending = null;
  var burst = "";
  var lastKeyAt = -Infinity;

  // A number field takes digits only: letters there still mean the panel's keys.
  function isTyping(event) {
    var target = event.target;
    if (target.matches("input[type=number]")) { return /^([0-9.,-]|.{2,})$/.test(event.key); }
    return target.matches("input:not([type=radio]):not([type=checkbox]), select, textarea");
  }

  function isShown(element) {
    return element.getClientRects().length > 0;
  }

  function press(control) {
    var folded = control.closest("details");
    if (folded && control.matches("input")) { folded.open = true; }
    if (control.matches("input[type=number]")) { control.stepUp(); return; }
    if (control.matches("input:not([type=radio]):not([type=checkbox])")) {
      control.focus();
      control.select();
    } else { control.click(); }
  }

  function isAnswered() {
    var data = new FormData(answers);
    return ["age", "concern", "language", "urgent", "fetch"].some(function (name) {
      return data.get(name) && data.get(name) !== "unknown";
    }) || data.get("people") !== "1";
  }

  // Pressed twice, Enter would give a second number to nobody. Whoever wants one without answers has a key for it.
  function isDoubled(event) {
    if (event.key !== "Enter" || !answers || !answers.matches(".register")) { return false; }
    return document.querySelector(".given-number") && !isAnswered();
  }

  // A scanner types without looking where: its code belongs into the code's field, and presses no key on its way.
  function takeScan(event) {
    var close = event.timeStamp - lastKeyAt < APART_MS;
    var code = document.querySelector(".check-in .code-input");
    lastKeyAt = event.timeStamp;
    if (event.key.length > 1) { return false; }
    if (close) { window.clearTimeout(pending); }
    burst = close ? burst + event.key : event.key;
    if (burst.length < 6 || !code) { return false; }
    code.value = burst;
    code.focus();
    return true;
  }

  // What leaves the page waits for a moment: the next key may show that it was a scanner's.
  function pressSoon(control) {
    if (control.dataset.key.length > 1 || !control.matches("a[href], form button")) { press(control); return; }
    window.clearTimeout(pending);
    pending = window.setTimeout(press, APART_MS, control);
  }

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) { return; }
    // Enter held down goes on into the next page, and would press what has the focus there.
    if (event.repeat) { if (event.key === "Enter" && event.target.matches("button")) { event.preventDefault(); } return; }
    if (isTyping(event)) { if (event.key === "Escape") { event.target.blur(); } return; }
    if (takeScan(event)) { event.preventDefault(); return; }
    // Enter on a button or link elsewhere on the page means that button.
    if (event.key === "Enter" && event.target.matches("a, button, summary")) { return; }
    var control = Array.from(document.querySelectorAll("[data-key]")).find(function (each) {
      return each.dataset.key.toLowerCase() === event.key.toLowerCase();
    });
    if (!control) { return; }
    event.preventDefault();
    if (!isDoubled(event)) { pressSoon(control); }
  });

  // A second press while the first is on its way would give two numbers.
  document.querySelectorAll("form[data-once]").forEach(function (form) {
    form.addEventListener("submit", function (event) {
      if (form.dataset.sent) { event.preventDefault(); }
      form.dataset.sent = "1";
    });
    window.addEventListener("pageshow", function () { delete form.dataset.sent; });
  });

  function withAnswers(address) {
    var url = new URL(address, window.location.href);
    ANSWERS.forEach(function (name) { url.searchParams.delete(name); });
    new FormData(answers).forEach(function (value, name) {
      if (ANSWERS.indexOf(name) >= 0) { url.searchParams.set(name, value); }
    });
    return url.pathname + url.search;
  }

  // And all that this page's own address says: what is open beside the queue stays open.
  function withPage(address) {
    var url = new URL(address, window.location.href);
    new URLSearchParams(window.location.search).forEach(function (value, name) {
      if (!url.searchParams.has(name)) { url.searchParams.set(name, value); }
    });
    return url.pathname + url.search;
  }

  document.addEventListener("submit", function (event) {  // the queue's own forms come and go
    if (!event.target.matches("form[data-stay]")) { return; }
    var address = withPage(event.target.action);
    event.target.action = answers ? withAnswers(address) : address;
  });

  if (answers) {
    document.querySelectorAll("a[data-carry]").forEach(function (link) {
      link.addEventListener("click", function () { link.href = withAnswers(link.href); });
    });
    document.querySelectorAll("form[data-carry]").forEach(function (form) {
      form.addEventListener("submit", function () { form.action = withAnswers(form.action); });
    });
  }

  // A question that only goes with certain answers.
  document.querySelectorAll("[data-only-with]").forEach(function (question) {
    var wanted = question.dataset.onlyWith.split(" ");
    function show() {
      var chosen = answers.querySelector("[name=concern]:checked");
      question.hidden = !chosen || wanted.indexOf(chosen.value) < 0;
    }
    answers.addEventListener("change", show);
    show();
  });

  // From one time to the next: left and right in order, up and down to the nearest in the next row.
  function neighbour(buttons, from, key) {
    var index = buttons.indexOf(from);
    if (key === "ArrowLeft" || key === "ArrowRight") {
      var forward = (key === "ArrowRight") === (document.documentElement.dir !== "rtl");
      return buttons[index + (forward ? 1 : -1)];
    }
    var here = from.getBoundingClientRect();
    var down = key === "ArrowDown";
    var best = null;
    buttons.forEach(function (each) {
      var there = each.getBoundingClientRect();
      var rows = (there.top - here.top) * (down ? 1 : -1);
      var distance = rows * 1000 + Math.abs(there.left - here.left);
      if (rows > 1 && (!best || distance < best.distance)) { best = { button: each, distance: distance }; }
    });
    return best && best.button;
  }

  document.querySelectorAll("[data-arrows]").forEach(function (group) {
    group.addEventListener("keydown", function (event) {
      if (!event.target.matches("button") || event.key.indexOf("Arrow") !== 0) { return; }
      var buttons = Array.from(group.querySelectorAll("button")).filter(isShown);
      var next = neighbour(buttons, event.target, event.key);
      if (next) { event.preventDefault(); next.focus(); }
    });
  });
})();
