'use strict';
globalThis.Explorer ??= {};

/** The chance that some subset hits, measured by drawing samples and solving them. */
Explorer.measure = (() => {
  const LONGEST = 24;
  const TRIALS = 1000;
  const SLICE = 12; // milliseconds of work at a time, so that the page stays responsive

  /**
   * The smallest n at which some subset of the first n samples hits.  A further sample takes no
   * subset away, so the answer is found by halving.
   * @param {Float64Array} x
   * @param {number | null} k
   * @param {number} z
   * @param {number} epsilon
   * @param {number} guess Where to look first.
   * @returns {number} x.length + 1 if there is none.
   */
  function needed(x, k, z, epsilon, guess) {
    const { table, closest } = Explorer.subsetSum;
    let low = Math.max(k ?? 1, 1);
    let high = x.length + 1;
    for (let at = Math.max(low, Math.min(guess, x.length)); low < high; at = (low + high) >> 1) {
      if (closest(table(x.subarray(0, at), k), z, epsilon).error <= epsilon) high = at;
      else low = at + 1;
    }
    return high;
  }

  /**
   * @typedef {object} Measured
   * @property {number} trials
   * @property {number[]} first In how many trials n samples were needed, for each n.
   */

  /**
   * Measure in slices until all trials are done or `stop` is called.
   * @param {object} question
   * @param {string} question.law
   * @param {number | null} question.k
   * @param {number} question.z
   * @param {number} question.epsilon
   * @param {number} question.seed
   * @param {(measured: Measured) => void} report Called after each slice.
   * @returns {() => void} The function that stops.
   */
  function start({ law, k, z, epsilon, seed }, report) {
    const measured = { trials: 0, first: new Array(LONGEST + 2).fill(0) };
    let guess = LONGEST >> 1;
    let timer = setTimeout(slice, 0);
    function slice() {
      const end = performance.now() + SLICE;
      while (measured.trials < TRIALS && performance.now() < end) {
        const x = Explorer.laws.sample(law, LONGEST, seed, 1 + measured.trials);
        guess = needed(x, k, z, epsilon, guess);
        measured.first[guess] += 1;
        measured.trials += 1;
      }
      if (measured.trials < TRIALS) timer = setTimeout(slice, 0);
      report(measured);
    }
    return () => clearTimeout(timer);
  }

  /**
   * Share of the trials in which n samples are enough, with its 95 % limits (Wilson).
   * @param {Measured} measured
   * @param {number} n
   * @returns {[number, number, number]} Share, lower and upper limit.
   */
  function share({ trials, first }, n) {
    const rate = first.slice(0, n + 1).reduce((a, b) => a + b, 0) / trials;
    const square = 1.959963984540054 ** 2 / trials;
    const middle = (rate + square / 2) / (1 + square);
    const half = Math.sqrt(square * (rate * (1 - rate) + square / 4)) / (1 + square);
    return [rate, middle - half, middle + half];
  }

  return { LONGEST, TRIALS, needed, start, share };
})();
