'use strict';
globalThis.Explorer ??= {};

/** The coverage recursion on a grid of cells: what `slth.theory.coverage` says, for the window [-1, 1]. */
Explorer.coverage = (() => {
  /** A number rounded to an integer; halves to the even one. */
  function rounded(value) {
    const nearest = Math.round(value);
    return Math.abs(value % 1) === 0.5 && nearest % 2 !== 0 ? nearest - 1 : nearest;
  }

  /**
   * By how many cells a sample moves the covered set.
   * @param {number} x
   * @param {number} cells
   */
  const shift = (x, cells) => Math.max(-cells, Math.min(cells, rounded((x * cells) / 2)));

  /**
   * A set of cells moved; what leaves the window is lost.
   * @param {Uint8Array} set
   * @param {number} by Cells to the right.
   * @returns {Uint8Array}
   */
  function moved(set, by) {
    const copy = new Uint8Array(set.length);
    if (by >= 0) copy.set(set.subarray(0, set.length - by), by);
    else copy.set(set.subarray(-by));
    return copy;
  }

  /** How many cells a set has. */
  const size = (set) => set.reduce((total, one) => total + one, 0);

  /**
   * The covered sets f_0, f_1, …: f_{t+1}(z) = max(f_t(z), f_t(z - X)), until all is covered.
   * @param {ArrayLike<number>} samples
   * @param {number} near How many cells on each side of zero are covered at first.
   * @param {number} cells An even number.
   * @returns {Uint8Array[]} One for each number of samples.
   */
  function film(samples, near, cells) {
    const sets = [new Uint8Array(cells).fill(1, cells / 2 - near, cells / 2 + near)];
    for (const x of Array.from(samples)) {
      const now = sets.at(-1);
      if (size(now) === cells) break;
      const copy = moved(now, shift(x, cells));
      sets.push(copy.map((one, cell) => one | now[cell]));
    }
    return sets;
  }

  /**
   * By how much the covered fraction grows on average with one more uniform sample.
   *
   * An uncovered cell is reached from each covered one at most half a window away, with the
   * probability of that one shift; the two longest shifts have half of it.
   * @param {Uint8Array} set
   */
  function drift(set) {
    const cells = set.length;
    const below = [0]; // how many of the first cells are covered
    for (const one of set) below.push(below.at(-1) + one);
    const within = (from, to) => below[Math.min(to, cells)] - below[Math.max(from, 0)];
    const reach = cells / 2;
    let pairs = 0;
    set.forEach((one, cell) => {
      if (one) return;
      const near = within(cell - reach + 1, cell + reach);
      const near2 = within(cell - reach, cell + reach + 1);
      pairs += (near + near2) / 2;
    });
    return pairs / cells ** 2;
  }

  /**
   * The runs of a set, as pairs of the first cell and the first one behind.
   * @param {Uint8Array} set
   * @returns {[number, number][]}
   */
  function runs(set) {
    const found = [];
    for (let at = set.indexOf(1); at >= 0; ) {
      const end = set.indexOf(0, at);
      found.push([at, end < 0 ? set.length : end]);
      at = end < 0 ? -1 : set.indexOf(1, end);
    }
    return found;
  }

  return { shift, moved, size, film, drift, runs };
})();
