// The desk asks quietly for somebody: while that stands, the page's title carries a mark, seen in another tab, too.
(function () {
  "use strict";

  var MARK = "● ";
  var title = document.title.indexOf(MARK) === 0 ? document.title.slice(MARK.length) : document.title;

  function show() {
    document.title = (document.querySelector("[data-wanted]") ? MARK : "") + title;
  }

  document.addEventListener("polled", show);
  show();
})();
