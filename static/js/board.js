// The waiting room's screen: a clock, and a tone when a number is called. Browsers allow sound only after a press.
(function () {
  "use strict";

  var clock = document.querySelector("[data-clock]");
  var button = document.querySelector("[data-sound]");
  var audio = null;
  var lastCall = currentCall();

  function currentCall() {
    var element = document.querySelector("[data-call]");
    return element ? element.dataset.call : "";
  }

  function tick() {
    var zone = document.body.dataset.zone;
    clock.textContent = new Date().toLocaleTimeString("de-DE", { timeZone: zone, hour: "numeric", minute: "2-digit" });
  }

  function tone(frequency, startsIn) {
    var oscillator = audio.createOscillator();
    var gain = audio.createGain();
    oscillator.frequency.value = frequency;
    gain.gain.setValueAtTime(0.3, audio.currentTime + startsIn);
    gain.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + startsIn + 0.9);
    oscillator.connect(gain).connect(audio.destination);
    oscillator.start(audio.currentTime + startsIn);
    oscillator.stop(audio.currentTime + startsIn + 0.9);
  }

  function gong() { if (audio) { tone(659, 0); tone(523, 0.35); } }

  if (button && window.AudioContext) {
    button.hidden = false;
    button.addEventListener("click", function () {
      audio = new AudioContext();
      gong();
      button.hidden = true;
    });
  }

  document.addEventListener("polled", function () {
    var call = currentCall();
    if (call && call !== lastCall) { gong(); }
    lastCall = call;
  });

  tick();
  window.setInterval(tick, 1000);
})();
