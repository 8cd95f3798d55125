'use strict';
globalThis.Explorer ??= {};

/** The explorer of density and overparameterization. */
Explorer.tradeView = (() => {
  const { tradeoff } = Explorer;
  const { svg, text, scale, path, number, raised, drawing } = Explorer.chart;
  const { slider, tell, framed, announcer, keeper, taken } = Explorer.controls;
  const DEFAULT = { err: -2, mt: 2, c: 0, g: -1, logs: 2 };
  const LIMITS = { err: [-6, -1.3], mt: [1, 9], c: [-2, 3.1], logs: [1, 2] };
  const DENSEST = Math.log10(1 / 2);
  const STEP = 0.02; // of the marker, in powers of ten
  const $ = (id) => document.getElementById(`trade-${id}`);

  /**
   * Stored measurements, for each z: pairs of k, and the n at which half of the gadgets serve.
   * @type {Record<string, [number, number][]>}
   */
  let measurements = {};

  /** Powers of ten: error, target weights, constant, density of the marker; and on which curve it is. */
  let state = { ...DEFAULT };
  let home = state; // where a reset leads
  let draw;
  let keep;
  let voice;

  /** The settings as numbers. */
  function values() {
    const [epsilon, weights, constant] = [state.err, state.mt, state.c].map((power) => 10 ** power);
    return { epsilon, weights, constant, z: weights / epsilon };
  }

  /** Powers of ten between which densities are drawn: from Malach's end to one half. */
  const limits = () => [-2 * (state.mt - state.err), DENSEST];

  /** Density of the marker; a power of ten rounded up to one half is one half. */
  const density = (power) => Math.min(10 ** power, 1 / 2);

  /** The measurements for this z, which is the number of target weights over the error. */
  function measured() {
    const power = state.mt - state.err;
    const pairs = measurements[String(Math.round(10 ** power))] ?? [];
    return pairs.filter(([size, count]) => Math.log10(size / count) >= -2 * power);
  }

  /** The curves that the marker may be on, by the number of their logarithms. */
  const CURVES = {
    1: { name: 'One logarithm', ink: 'purple', multiplicity: tradeoff.oneLogMultiplicity },
    2: { name: 'Theorem 3', ink: 'red', multiplicity: tradeoff.multiplicity },
  };

  /** What is read off at the marker. */
  function reading() {
    const { epsilon, weights, constant, z } = values();
    const gamma = density(state.g);
    const n = CURVES[state.logs].multiplicity(gamma, z, constant);
    const least = tradeoff.lowerBound(gamma, weights, epsilon) / weights;
    return { gamma, n, k: gamma * n, factor: 4 * n, size: 4 * n * weights, least };
  }

  const margins = { left: 58, right: 12, top: 12, bottom: 42 };
  const across = (width) => {
    const [low] = limits();
    return scale([low - 0.04 * (DENSEST - low), 0], [margins.left, width - margins.right]);
  };

  function chart(width) {
    const { epsilon, weights, constant, z } = values();
    const height = Math.max(300, Math.min(430, 0.62 * width));
    const x = across(width);
    const [sparsest] = limits();
    const powers = Array.from({ length: 161 }, (_, i) => DENSEST + (sparsest - DENSEST) * (i / 160));
    const curves = {
      'line-green': (gamma) => {
        const m = tradeoff.lowerBound(gamma, weights, epsilon);
        return gamma * m >= 1 ? m / weights : NaN;
      },
      'line-grey dotted': (gamma) => {
        const n = tradeoff.firstMomentFloor(gamma, z);
        return gamma * n >= 1 ? 4 * n : NaN;
      },
      'line-red thin dashed': (gamma) => 4 * tradeoff.closedForm(gamma, z),
      'line-purple': (gamma) => 4 * tradeoff.oneLogMultiplicity(gamma, z, constant),
      'line-red': (gamma) => 4 * tradeoff.multiplicity(gamma, z, constant),
    };
    const drawn = Object.entries(curves).map(([kind, curve]) => [
      kind,
      powers.map((power) => [power, Math.log10(curve(density(power)))]),
    ]);
    const stars = [
      ['Malach et al.', ...tradeoff.malachPoint(z), 'start'],
      ['Pensia et al.', ...tradeoff.pensiaPoint(z), 'end'],
    ];
    const heights = drawn.flatMap(([, points]) => points.map(([, y]) => y)).filter(Number.isFinite);
    const low = Math.floor(Math.min(...heights) + 0.1);
    const high = Math.ceil(Math.max(...heights, Math.log10(stars[0][2])));
    const y = scale([low, high], [height - margins.bottom, margins.top]);
    const children = [];
    const every = (span, room) => Math.max(1, Math.ceil(span / room));
    for (let power = low; power <= high; power += every(high - low, 8)) {
      children.push(svg('line', { x1: margins.left, x2: width - margins.right, y1: y(power), y2: y(power), class: 'grid' }));
      children.push(text(margins.left - 8, y(power) + 4, `10${raised(power)}`, 'end'));
    }
    const step = every(-sparsest, width / 70);
    for (let power = 0; power >= sparsest; power -= step) {
      children.push(svg('line', { x1: x(power), x2: x(power), y1: margins.top, y2: y(low), class: 'grid' }));
      children.push(text(x(power), height - 22, power ? `10${raised(power)}` : '1'));
    }
    children.push(text((margins.left + width) / 2, height - 4, 'density γ of the ticket'));
    children.push(svg('line', { x1: margins.left, x2: width, y1: y(low), y2: y(low), class: 'axis' }));
    const { gamma, factor, n } = reading();
    const marker = [x(state.g), y(Number.isFinite(factor) ? Math.log10(factor) : low)];
    children.push(svg('path', { d: `M${marker[0]} ${y(low)}V${marker[1]}H${margins.left}`, class: 'here' }));
    for (const [kind, points] of drawn) {
      children.push(svg('path', { d: path(points.map(([a, b]) => [x(a), y(b)])), class: kind }));
    }
    for (const [size, count] of measured()) {
      const place = { cx: x(Math.log10(size / count)), cy: y(Math.log10(4 * count)), r: 3.5 };
      children.push(svg('circle', { ...place, class: 'dot' }));
    }
    for (const [name, star, over, anchor] of stars) {
      const [left, top] = [x(Math.log10(star)), y(Math.log10(over))];
      children.push(text(left, top + 7, '★', 'middle', 'star'));
      children.push(text(left + (anchor === 'start' ? 12 : -12), top + 5, name, anchor, 'halo'));
    }
    $('density').style.left = `${(100 * marker[0]) / width}%`; // fits a new width before it is drawn
    $('density').style.top = `${marker[1]}px`;
    const words = `Overparameterization against density, both logarithmic, for ${number(weights)} `
      + `target weights and error ${number(epsilon)}. `
      + Object.values(CURVES).reverse().map(({ name, multiplicity }) => `${name} falls from `
        + `${number(4 * multiplicity(density(sparsest), z, constant))} to `
        + `${number(4 * multiplicity(1 / 2, z, constant))}; `).join('')
      + `the marker is on ${CURVES[state.logs].name} at density ${number(gamma)}, where `
      + `${number(n)} products are needed for each weight.`;
    return { height, children, words };
  }

  function show() {
    const { epsilon, weights, constant } = values();
    const shown = { e: [state.err, epsilon], m: [state.mt, weights], c: [state.c, constant] };
    for (const [name, [power, value]] of Object.entries(shown)) {
      $(name).value = power;
      $(name).setAttribute('aria-valuetext', number(value));
      $(`${name}-out`).textContent = number(value);
    }
    const { gamma, n, k, factor, size, least } = reading();
    const numbers = { gamma, n, k, factor, size, least };
    for (const [name, value] of Object.entries(numbers)) $(name).textContent = number(value);
    $(`logs-${state.logs}`).checked = true;
    const { name: curve, ink } = CURVES[state.logs];
    $('factor').parentElement.className = `ink-${ink}`;
    $('density').style.setProperty('--handle', `var(--explorer-${ink})`);
    const [low, high] = limits();
    tell($('density'), [low, state.g, high].map((power) => +power.toFixed(3)),
      `density ${number(gamma)}, overparameterization ${number(factor)}`);
    $('points').hidden = measured().length === 0;
    $('z').textContent = number(weights / epsilon);
    draw(chart);
    voice.say(`${curve}, density ${number(gamma)}: ${number(n)} products for each weight, of which `
      + `${number(k)} are kept; overparameterization ${number(factor)}.`);
  }

  const redraw = framed(show);

  function change(settings) {
    voice.wake();
    state = { ...state, ...settings };
    const [low, high] = limits();
    state.g = Math.max(low, Math.min(high, state.g));
    keep.write(state);
    redraw();
  }

  /** The settings that are asked for, each one checked. */
  function checked(asked) {
    const [err, mt, c] = ['err', 'mt', 'c'].map((name) => taken(asked, name, LIMITS[name], DEFAULT[name]));
    const logs = Math.round(taken(asked, 'logs', LIMITS.logs, DEFAULT.logs));
    return { err, mt, c, logs, g: taken(asked, 'g', [-2 * (mt - err), DENSEST], DEFAULT.g) };
  }

  /**
   * Show the explorer, and begin.
   * @param {HTMLElement} section With the settings to begin with, unless the address has them.
   */
  function start(section) {
    measurements = JSON.parse($('measured').textContent);
    keep = keeper(section);
    voice = announcer($('status'));
    draw = drawing($('chart'), redraw);
    home = checked(new URLSearchParams(section.dataset.settings));
    state = checked(keep.read());
    for (const [name, setting] of [['e', 'err'], ['m', 'mt'], ['c', 'c']]) {
      $(name).addEventListener('input', () => change({ [setting]: Number($(name).value) }));
    }
    for (const logs of [1, 2]) $(`logs-${logs}`).addEventListener('change', () => change({ logs }));
    $('reset').addEventListener('click', () => change(home));
    $('reset').form.addEventListener('submit', (event) => event.preventDefault());
    const area = $('chart');
    slider($('density'), area, {
      get: () => state.g,
      set: (g) => change({ g }),
      limits,
      step: STEP,
      at: (place) => {
        const box = area.getBoundingClientRect();
        return across(box.width).inverse(place - box.left);
      },
    });
    keep.follow((asked) => change(checked(asked)));
    show();
  }

  return { start };
})();
