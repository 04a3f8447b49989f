// A locked screen shows nothing: every staff page asks once a minute whether it is locked meanwhile, in another window or
// because nobody was here. Typing and pressing count as being here, so nobody is locked out while filling in a form.
// What is typed and not sent is kept before the page is left: the server seals it for this account, and after unlocking
// it is filled in again. Nothing of it lies in this browser in plain text.
(function () {
  "use strict";

  var place = document.querySelector("[data-lock-state]");
  var used = false;
  var leaving = false;
  var SECRET = /password|secret|pin$|^again$|digits|totp|recovery|token|^next$/i;
  if (!place) { return; }

  ["keydown", "mousedown", "touchstart"].forEach(function (name) {
    document.addEventListener(name, function () { used = true; }, { passive: true });
  });

  var path = window.location.pathname + window.location.search;
  var store = "kept:" + path;
  var token = document.querySelector("input[name=csrf_token]");

  function formOf(element) {
    // The same address may stand behind several forms of a page.
    var action = new URL(element.getAttribute("action") || "", window.location.href).pathname;
    var same = Array.from(document.forms).filter(function (each) {
      return new URL(each.getAttribute("action") || "", window.location.href).pathname === action;
    });
    return action + "#" + same.indexOf(element);
  }

  function isTyped(field) {
    if (!field.name || field.disabled || SECRET.test(field.name)) { return false; }
    if (/^(radio|checkbox)$/.test(field.type)) { return field.checked !== field.defaultChecked; }
    if (/^(hidden|password|file|submit|button|image|reset)$/.test(field.type) || field.tagName === "BUTTON") { return false; }
    if (field.tagName === "SELECT") {
      return Array.from(field.options).some(function (each) { return each.selected !== each.defaultSelected; })
        && field.value !== (Array.from(field.options).filter(function (each) { return each.defaultSelected; })[0] || field.options[0] || {}).value;
    }
    return "value" in field && field.value !== field.defaultValue;
  }

  function isHalfFilled(form) {
    return Array.from(form.elements).some(isTyped);
  }

  // Name: which form, which field; of a box or a choice also which one, so that it is found again.
  function typedFields() {
    var found = [];
    Array.from(document.forms).forEach(function (form) {
      if (form.querySelector("input[type=password]")) { return; }
      Array.from(form.elements).filter(isTyped).forEach(function (field) {
        var box = /^(radio|checkbox)$/.test(field.type);
        found.push([formOf(form) + "\n" + field.name + "\n" + (box ? field.value : ""), box ? String(field.checked) : field.value]);
      });
    });
    return found;
  }

  function post(address, values) {
    var body = new URLSearchParams(values);
    body.set("csrf_token", token ? token.value : "");
    return fetch(address, { method: "POST", body: body, cache: "no-store", credentials: "same-origin" });
  }

  function keep() {
    var fields = typedFields();
    if (!fields.length || !place.dataset.keep) { return Promise.resolve(); }
    return post(place.dataset.keep, { path: path, fields: JSON.stringify(fields) })
      .then(function (response) { return response.ok && !response.redirected ? response.text() : ""; })
      .then(function (sealed) { if (sealed) { window.sessionStorage.setItem(store, sealed); } })
      .catch(function () { return null; });
  }

  // No address leads back to a page that answered a form: its form goes along to the lock, as it stands.
  function carry() {
    var form = document.querySelector("main form[data-kept]") || Array.from(document.querySelectorAll("main form")).find(isHalfFilled);
    if (!form || !place.dataset.keepForm || form.querySelector("input[type=password]")) { return false; }
    var values = [];
    new FormData(form).forEach(function (value, name) { if (!SECRET.test(name) && name !== "csrf_token") { values.push([name, value]); } });
    var action = new URL(form.getAttribute("action") || "", window.location.href);
    var courier = document.createElement("form");
    courier.method = "post";
    courier.action = place.dataset.keepForm;
    [["csrf_token", token.value], ["path", action.pathname + action.search], ["fields", JSON.stringify(values)]].forEach(function (each) {
      var input = document.createElement("input");
      input.type = "hidden";
      input.name = each[0];
      input.value = each[1];
      courier.appendChild(input);
    });
    document.body.appendChild(courier);
    courier.submit();
    return true;
  }

  function leave() {
    if (leaving) { return; }
    leaving = true;
    if (carry()) { return; }
    keep().then(function () { window.location.replace(place.dataset.lock); });
  }

  function ask() {
    var address = place.dataset.lockState + (used ? "?used=1" : "");
    used = false;
    fetch(address, { cache: "no-store", credentials: "same-origin" })
      .then(function (response) {
        if (response.redirected) { leave(); return null; }
        return response.ok ? response.text() : null;
      })
      .then(function (account) {
        // A colleague has logged in within another window: this page is not theirs.
        if (account && account !== place.dataset.account) { window.location.replace(place.dataset.lock); }
      })
      .catch(function () { used = true; }); // no connection: what was done counts at the next try
  }

  function fieldOf(name) {
    var parts = name.split("\n");
    var form = Array.from(document.forms).find(function (each) { return formOf(each) === parts[0]; });
    return form && Array.from(form.elements).find(function (each) {
      return each.name === parts[1] && (!/^(radio|checkbox)$/.test(each.type) || each.value === parts[2]);
    });
  }

  function fillIn(fields) {
    var filled = fields.filter(function (each) {
      var field = fieldOf(each[0]);
      if (!field) { return false; }
      if (/^(radio|checkbox)$/.test(field.type)) { field.checked = each[1] === "true"; } else { field.value = each[1]; }
      var folded = field.closest("details");
      if (folded) { folded.open = true; }
      ["input", "change"].forEach(function (name) { field.dispatchEvent(new Event(name, { bubbles: true })); });
      return true;
    });
    if (!filled.length) { return; }
    var words = document.createElement("p");
    words.className = "notice notice--good";
    words.setAttribute("role", "status");
    words.textContent = place.dataset.backWords;
    var main = document.getElementById("main");
    main.insertBefore(words, main.firstChild);
  }

  function giveBack() {
    var sealed = place.dataset.giveBack && window.sessionStorage.getItem(store);
    if (!sealed) { return; }
    post(place.dataset.giveBack, { path: path, kept: sealed })
      .then(function (response) {
        // 404: not ours, or too old. Whose it is may still come back to this window.
        if (!response.ok || response.redirected) { return null; }
        window.sessionStorage.removeItem(store);
        return response.json();
      })
      .then(function (fields) { if (fields) { fillIn(fields); } })
      .catch(function () { return null; });
  }

  // Locking by hand: the page is left for a moment, too.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.parentNode !== place || !form.querySelector("[data-key]") || leaving) { return; }
    if (!place.dataset.keep || !typedFields().length) { return; }
    event.preventDefault();
    leaving = true;
    keep().then(function () { form.submit(); });
  });

  // A part of the page that refreshes itself has met the lock first.
  document.addEventListener("shut-out", function (event) { event.preventDefault(); leave(); });

  window.setInterval(ask, 60000);
  // Back from another page, or out of the browser's memory: ask at once.
  window.addEventListener("pageshow", function (event) { if (event.persisted) { leaving = false; ask(); } });
  giveBack();
})();
