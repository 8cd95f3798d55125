'use strict';
globalThis.Explorer ??= {};

/** Special functions that the theory needs, to nearly full float64 accuracy. */
Explorer.special = (() => {
  /**
   * Continued fraction b0 + a1/(b1 + a2/(b2 + …)) of real numbers, by Lentz's method.
   * @param {number} first b0.
   * @param {(i: number) => [number, number]} term [a_i, b_i].
   */
  function fraction(first, term) {
    let value = first;
    let c = first;
    let d = 0;
    for (let i = 1; i < 500; i++) {
      const [a, b] = term(i);
      d = 1 / (b + a * d);
      c = b + a / c;
      value *= c * d;
      if (Math.abs(c * d - 1) < 1e-16) break;
    }
    return value;
  }

  /** Distribution function of the standard normal law, relatively accurate on the left. */
  function normalCdf(x) {
    if (x > 0) return 1 - normalCdf(-x);
    const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
    if (x < -3) return density / fraction(-x, (i) => [i, -x]);
    let term = x; // x + x^3/3 + x^5/(3 5) + …
    let sum = x;
    for (let i = 3; Math.abs(term) > 1e-17 * Math.abs(sum); i += 2) {
      term *= (x * x) / i;
      sum += term;
    }
    return 0.5 + density * sum;
  }

  /** Sine integral, x >= 0: the series for small x, else the continued fraction of E1(ix). */
  function sineIntegral(x) {
    if (x < 3) {
      let term = x;
      let sum = x;
      for (let i = 3; Math.abs(term) > 1e-18; i += 2) {
        term *= (-x * x) / (i * (i - 1));
        sum += term / i;
      }
      return sum;
    }
    let [bRe, cRe, cIm] = [1, 1e300, 0]; // b is bRe + ix throughout
    let scale = 1 / (bRe * bRe + x * x);
    let [dRe, dIm] = [bRe * scale, -x * scale];
    let [hRe, hIm] = [dRe, dIm];
    for (let i = 1; i < 500; i++) {
      const a = -i * i;
      bRe += 2;
      const [re, im] = [bRe + a * dRe, x + a * dIm];
      scale = 1 / (re * re + im * im);
      [dRe, dIm] = [re * scale, -im * scale];
      scale = a / (cRe * cRe + cIm * cIm);
      [cRe, cIm] = [bRe + cRe * scale, x - cIm * scale];
      const [byRe, byIm] = [cRe * dRe - cIm * dIm, cRe * dIm + cIm * dRe];
      [hRe, hIm] = [hRe * byRe - hIm * byIm, hRe * byIm + hIm * byRe];
      if (Math.abs(byRe - 1) + Math.abs(byIm) < 1e-16) break;
    }
    return Math.PI / 2 + Math.cos(x) * hIm - Math.sin(x) * hRe;
  }

  /**
   * Values at f, f + 1, …, f + k - 1 of the density of the sum of k uniforms on [0, 1].
   * @param {number} f In [0, 1).
   * @param {number} k
   * @returns {number[]}
   */
  function irwinHall(f, k) {
    let values = [1];
    for (let order = 2; order <= k; order++) {
      const lower = values;
      values = Array.from({ length: order }, (_, i) =>
        ((f + i) * (lower[i] ?? 0) + (order - f - i) * (lower[i - 1] ?? 0)) / (order - 1));
    }
    return values;
  }

  /** Density of the sum of k uniforms on [0, 1]; its left half, which is all that one needs. */
  function irwinHallPdf(u, k) {
    if (u < 0 || u > k) return 0;
    const left = Math.min(u, k - u);
    const whole = Math.min(Math.floor(left), k - 1);
    return irwinHall(left - whole, k)[whole];
  }

  /** Its distribution function: a sum of splines of the next degree. */
  function irwinHallCdf(u, k) {
    const left = Math.max(0, Math.min(u, k - u));
    const whole = Math.floor(left);
    const splines = irwinHall(left - whole, k + 1);
    let sum = 0;
    for (let i = 0; i <= whole; i++) sum += splines[i];
    return u <= k / 2 ? sum : 1 - sum;
  }

  /** Binary entropy in bits. */
  function binaryEntropy(p) {
    if (p <= 0 || p >= 1) return 0;
    return -(p * Math.log(p) + (1 - p) * Math.log1p(-p)) / Math.LN2;
  }

  /**
   * The larger x with rate x = ln(inner x), or NaN if there is none.
   *
   * y = rate x solves y - ln y = u + 1; Newton's method falls to it from 1 + √(2u) + u.
   */
  function upperRoot(rate, inner) {
    const u = Math.log(inner / rate) - 1;
    if (!(u >= 0)) return NaN;
    let y = 1 + Math.sqrt(2 * u) + u;
    for (let i = 0; i < 60; i++) {
      const next = (y * (u + Math.log(y))) / (y - 1);
      if (!(next < y)) break;
      y = next;
    }
    return y / rate;
  }

  return { normalCdf, sineIntegral, irwinHallPdf, irwinHallCdf, binaryEntropy, upperRoot };
})();
