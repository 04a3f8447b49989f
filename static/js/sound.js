// A tone of two notes for whoever sends the document a "ring". Browsers allow sound only after a press:
// the button [data-sound] shows where that is so, and rings once, so that one hears it.
(function () {
  "use strict";

  var Audio = window.AudioContext || window.webkitAudioContext;
  var button = document.querySelector("[data-sound]");
  var audio = null;

  function tone(frequency, startsIn) {
    var oscillator = audio.createOscillator();
    var gain = audio.createGain();
    var starts = audio.currentTime + startsIn;
    oscillator.frequency.value = frequency;
    gain.gain.setValueAtTime(0.3, starts);
    gain.gain.exponentialRampToValueAtTime(0.001, starts + 0.9);
    oscillator.connect(gain);
    gain.connect(audio.destination);
    oscillator.start(starts);
    oscillator.stop(starts + 0.9);
  }

  function ring() {
    if (!audio) { return; }
    if (audio.resume) { audio.resume(); } // a phone that slept has stopped it
    tone(659, 0);
    tone(523, 0.35);
  }

  if (button && Audio) {
    button.hidden = false;
    button.addEventListener("click", function () {
      audio = new Audio();
      ring();
      button.hidden = true;
    });
  }

  document.addEventListener("ring", ring);
})();
