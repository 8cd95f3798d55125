'use strict';
globalThis.Explorer ??= {};

/**
 * Exact subset sums by meeting in the middle (Horowitz and Sahni 1974).
 *
 * Exact means: if the sums of the samples are exact in float64, as those of `laws.sample` are, then
 * no error is larger than the smallest one, and a subset hits if its distance from the target,
 * rounded once to float64, is at most the tolerance.
 */
Explorer.subsetSum = (() => {
  /**
   * @typedef {object} List Sums in ascending order, and for each the subset that has it.
   * @property {Float64Array} sums
   * @property {Int32Array} masks
   */

  /** @type {List} */
  const NONE = { sums: new Float64Array(0), masks: new Int32Array(0) };

  /**
   * Merge a list with another one to whose subsets one more element is added.
   * @param {List} without
   * @param {List} within
   * @param {number} value The element.
   * @param {number} bit Its bit in the masks.
   * @returns {List}
   */
  function merge(without, within, value, bit) {
    const a = without.sums;
    const b = within.sums;
    const length = a.length + b.length;
    const sums = new Float64Array(length);
    const masks = new Int32Array(length);
    for (let i = 0, j = 0, at = 0; at < length; at++) {
      if (j === b.length || (i < a.length && a[i] <= b[j] + value)) {
        sums[at] = a[i];
        masks[at] = without.masks[i++];
      } else {
        sums[at] = b[j] + value;
        masks[at] = within.masks[j++] | bit;
      }
    }
    return { sums, masks };
  }

  /**
   * All sums of half of the samples: one list for each number of terms, or a single list.
   * @param {Float64Array} x
   * @param {boolean} sized
   * @returns {List[]}
   */
  function half(x, sized) {
    let lists = [{ sums: new Float64Array(1), masks: new Int32Array(1) }];
    x.forEach((value, index) => {
      const bit = 1 << index;
      lists = sized
        ? Array.from({ length: index + 2 }, (_, j) =>
            merge(lists[j] ?? NONE, lists[j - 1] ?? NONE, value, bit))
        : [merge(lists[0], lists[0], value, bit)];
    });
    return lists;
  }

  /**
   * The number of subsets.
   * @param {number} n
   * @param {number | null} k Their size; null for any.
   */
  function number(n, k) {
    if (k === null) return 2 ** n;
    let result = 1;
    for (let i = 1; i <= k; i++) result = (result * (n - k + i)) / i;
    return k > n ? 0 : Math.round(result);
  }

  /**
   * @typedef {object} Table What is known of a sample before a target is asked for.
   * @property {number} n
   * @property {number | null} k
   * @property {number} split How many samples the left half has.
   * @property {[List, List][]} pairs Each subset is one entry from both lists of one pair.
   */

  /**
   * Prepare all sums of a sample.
   * @param {ArrayLike<number>} samples At most 48 numbers.
   * @param {number | null} k The size of the subsets, between 0 and n; null for any size.
   * @returns {Table}
   */
  function table(samples, k) {
    const x = Float64Array.from(samples);
    const n = x.length;
    if (n < 1 || n > 48 || !x.every(Number.isFinite)) {
      throw new RangeError(`expected 1 to 48 finite samples, got ${n}`);
    }
    if (k !== null && !(Number.isInteger(k) && k >= 0 && k <= n)) {
      throw new RangeError(`expected a size between 0 and n=${n}, got ${k}`);
    }
    const split = n >> 1;
    const left = half(x.subarray(0, split), k !== null);
    const right = half(x.subarray(split), k !== null);
    /** @type {[List, List][]} */
    const pairs = [];
    if (k === null) pairs.push([left[0], right[0]]);
    else {
      for (let j = Math.max(0, k - (n - split)); j <= Math.min(k, split); j++) {
        pairs.push([left[j], right[k - j]]);
      }
    }
    return { n, k, split, pairs };
  }

  /**
   * The subset whose sum is closest to a target.
   * @param {Table} of
   * @param {number} z
   * @param {number} enough Stop at the first error that is not larger.
   * @returns {{indices: number[], sum: number, error: number}}
   */
  function closest(of, z, enough = -1) {
    let error = Infinity;
    let best = [NONE, NONE, 0, 0];
    for (const [left, right] of of.pairs) {
      const a = left.sums;
      const b = right.sums;
      for (let i = 0, j = b.length - 1; i < a.length && j >= 0; ) {
        const distance = a[i] + b[j] - z;
        if (Math.abs(distance) < error) {
          error = Math.abs(distance);
          best = [left, right, i, j];
          if (error <= enough) break;
        }
        if (distance < 0) i++;
        else j--;
      }
      if (error <= enough) break;
    }
    const [left, right, i, j] = best;
    const chosen = (index) =>
      index < of.split ? left.masks[i] >> index : right.masks[j] >> (index - of.split);
    return {
      indices: Array.from({ length: of.n }, (_, index) => index).filter((at) => chosen(at) & 1),
      sum: left.sums[i] + right.sums[j],
      error,
    };
  }

  /**
   * How many subsets have a sum within a tolerance of a target.
   * @param {Table} of
   * @param {number} z
   * @param {number} tolerance Itself admitted.
   */
  function count(of, z, tolerance) {
    let total = 0;
    for (const [{ sums: a }, { sums: b }] of of.pairs) {
      let upTo = b.length; // entries of b with a distance of at most the tolerance, or below it
      let below = b.length;
      for (let i = 0; i < a.length; i++) {
        while (upTo > 0 && a[i] + b[upTo - 1] - z > tolerance) upTo--;
        while (below > 0 && a[i] + b[below - 1] - z >= -tolerance) below--;
        total += upTo - below;
      }
    }
    return total;
  }

  /**
   * How many sums lie in each bin, [edges[i], edges[i + 1]).
   * @param {Table} of
   * @param {number[]} edges Ascending.
   * @returns {number[]}
   */
  function histogram(of, edges) {
    const below = edges.map((edge) => {
      let total = 0;
      for (const [{ sums: a }, { sums: b }] of of.pairs) {
        let j = b.length;
        for (let i = 0; i < a.length; i++) {
          while (j > 0 && a[i] + b[j - 1] >= edge) j--;
          total += j;
        }
      }
      return total;
    });
    return below.slice(1).map((total, bin) => total - below[bin]);
  }

  return { table, closest, count, histogram, number };
})();
