'use strict';
globalThis.Explorer ??= {};

/**
 * Random numbers that are the same on every machine.
 *
 * Only 32-bit integers and the four operations of IEEE arithmetic are used: `Math.log` and its
 * kin may differ in the last bit between browsers.
 */
Explorer.rng = (() => {
  /**
   * Spread a seed over 32-bit words (splitmix32).
   * @param {number} seed A non-negative integer; its lower 32 bits count.
   * @returns {() => number} The next word, as an unsigned integer.
   */
  function splitmix32(seed) {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x9e3779b9) >>> 0;
      let word = state ^ (state >>> 16);
      word = Math.imul(word, 0x21f0aaad);
      word ^= word >>> 15;
      word = Math.imul(word, 0x735a2d97);
      return (word ^ (word >>> 15)) >>> 0;
    };
  }

  /**
   * Small Fast Counter generator, 128 bits of state.
   * @param {number} seed Names the sample.
   * @param {number} stream Separates independent samples with one seed.
   * @returns {() => number} The next 32-bit word, as an unsigned integer.
   */
  function sfc32(seed, stream = 0) {
    const word = splitmix32(seed);
    let a = word();
    let b = word();
    let c = (word() ^ splitmix32(stream)()) >>> 0;
    let counter = 1;
    const next = () => {
      const result = (((a + b) | 0) + counter) | 0;
      counter = (counter + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (((c << 21) | (c >>> 11)) + result) | 0;
      return result >>> 0;
    };
    for (let i = 0; i < 12; i++) next();
    return next;
  }

  /**
   * A number in (-1, 1), an odd multiple of 2^-32.
   * @param {() => number} next Words of 32 bits.
   */
  const symmetric = (next) => (2 * next() + 1) / 2 ** 32 - 1;

  /**
   * A number in (0, 1), an odd multiple of 2^-33.
   * @param {() => number} next Words of 32 bits.
   */
  const positive = (next) => (2 * next() + 1) / 2 ** 33;

  /**
   * Natural logarithm by the series of the inverse hyperbolic tangent.
   * @param {number} x A positive number, not subnormal.
   */
  function log(x) {
    let power = 0;
    let rest = x;
    while (rest < 0.75) {
      rest *= 2;
      power -= 1;
    }
    while (rest > 1.5) {
      rest /= 2;
      power += 1;
    }
    const t = (rest - 1) / (rest + 1);
    let sum = 0;
    for (let i = 35; i >= 1; i -= 2) sum = sum * t * t + 1 / i;
    return 2 * t * sum + power * 0.6931471805599453;
  }

  /**
   * A standard normal number by Marsaglia's polar method.
   * @param {() => number} next Words of 32 bits.
   */
  function normal(next) {
    for (;;) {
      const u = symmetric(next);
      const v = symmetric(next);
      const square = u * u + v * v;
      if (square < 1) return u * Math.sqrt((-2 * log(square)) / square);
    }
  }

  return { sfc32, symmetric, positive, normal, log };
})();
