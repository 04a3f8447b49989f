// Finds the secret number of a challenge, beside the page, so that the page stays quick: SHA-256 of salt and number is
// the hash that was given. Our own SHA-256: the browser's answers by promises, too slow for many short texts, and only
// under HTTPS. Tested against the published vectors (FIPS 180-4).
(function (scope) {
  "use strict";

  // The first 32 bits of the fractional parts of the cube roots of the first 64 primes, and of the square roots of 8.
  var K = new Int32Array([
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
  ]);
  var START = new Int32Array([
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
  ]);
  var W = new Int32Array(64);
  var H = new Int32Array(8);

  // One block, whose sixteen words stand in W, into H.
  function compress() {
    var a = H[0], b = H[1], c = H[2], d = H[3], e = H[4], f = H[5], g = H[6], h = H[7];
    var i, x, y, one, two;
    for (i = 16; i < 64; i += 1) {
      x = W[i - 15];
      y = W[i - 2];
      x = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      y = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      W[i] = (W[i - 16] + x + W[i - 7] + y) | 0;
    }
    for (i = 0; i < 64; i += 1) {
      x = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      one = (h + x + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
      y = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      two = (y + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + one) | 0;
      d = c; c = b; b = a; a = (one + two) | 0;
    }
    H[0] = (H[0] + a) | 0; H[1] = (H[1] + b) | 0; H[2] = (H[2] + c) | 0; H[3] = (H[3] + d) | 0;
    H[4] = (H[4] + e) | 0; H[5] = (H[5] + f) | 0; H[6] = (H[6] + g) | 0; H[7] = (H[7] + h) | 0;
  }

  // Of text in ASCII, as hexadecimal digits.
  function sha256(text) {
    var blocks = ((text.length + 8) >> 6) + 1;
    var at = 0;
    H.set(START);
    for (var block = 0; block < blocks; block += 1) {
      for (var word = 0; word < 16; word += 1) {
        var value = 0;
        for (var part = 0; part < 4; part += 1, at += 1) {
          value = (value << 8) | (at < text.length ? text.charCodeAt(at) & 255 : at === text.length ? 128 : 0);
        }
        W[word] = value;
      }
      if (block === blocks - 1) { W[14] = Math.floor(text.length / 536870912); W[15] = text.length << 3; }
      compress();
    }
    return hexadecimal();
  }

  function hexadecimal() {
    var digits = "";
    for (var i = 0; i < 8; i += 1) { digits += ("00000000" + (H[i] >>> 0).toString(16)).slice(-8); }
    return digits;
  }

  // The number below `numbers` for which it is true; -1: there is none. Salt and number fit one block.
  function findNumber(salt, hash, numbers) {
    var first = parseInt(hash.slice(0, 8), 16) | 0;
    var words = new Int32Array(16);
    for (var at = 0; at < salt.length; at += 1) { words[at >> 2] |= salt.charCodeAt(at) << (24 - 8 * (at & 3)); }
    for (var number = 0; number < numbers; number += 1) {
      var digits = String(number);
      var end = salt.length + digits.length;
      W.set(words);
      for (at = salt.length; at < end; at += 1) {
        W[at >> 2] |= digits.charCodeAt(at - salt.length) << (24 - 8 * (at & 3));
      }
      W[end >> 2] |= 128 << (24 - 8 * (end & 3));
      W[15] = end << 3;
      H.set(START);
      compress();
      if (H[0] === first && hexadecimal() === hash) { return number; }
    }
    return -1;
  }

  scope.proof = { sha256: sha256, findNumber: findNumber };
  scope.onmessage = function (event) {
    var asked = event.data;
    if (asked && asked.salt) { scope.postMessage(findNumber(asked.salt, asked.hash, asked.numbers)); }
  };
})(self);
