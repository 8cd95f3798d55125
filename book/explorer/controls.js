'use strict';
globalThis.Explorer ??= {};

/** What all explorers need to be used: a slider in a drawing, the address, calm announcements. */
Explorer.controls = (() => {
  /**
   * Make an element with role="slider" work by keyboard, mouse, pen and touch.
   * @param {HTMLElement} handle The slider.
   * @param {Element} area Where a press or a drag moves it.
   * @param {object} options
   * @param {() => number} options.get The value.
   * @param {(value: number) => void} options.set Called with a new value within the limits.
   * @param {() => [number, number]} options.limits
   * @param {number} options.step An arrow key moves by it, with Shift or a page key by ten.
   * @param {(x: number) => number} options.at The value at a horizontal place of the window.
   */
  function slider(handle, area, { get, set, limits, step, at }) {
    const move = (value) => {
      const [low, high] = limits();
      const whole = Math.round(Math.max(low, Math.min(high, value)) / step);
      set(+(whole * step).toFixed(6));
    };
    handle.addEventListener('keydown', (event) => {
      const [low, high] = limits();
      const one = event.shiftKey ? 10 * step : step;
      const moves = {
        ArrowRight: get() + one,
        ArrowUp: get() + one,
        ArrowLeft: get() - one,
        ArrowDown: get() - one,
        PageUp: get() + 10 * step,
        PageDown: get() - 10 * step,
        Home: low,
        End: high,
      };
      if (!(event.key in moves) || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault(); // the theme would turn the page
      event.stopPropagation();
      move(moves[event.key]);
    });
    let dragging = null;
    area.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      dragging = event.pointerId;
      area.setPointerCapture(dragging);
      event.preventDefault();
      handle.focus({ preventScroll: true });
      if (event.pointerType !== 'touch') move(at(event.clientX)); // a finger may want to scroll
    });
    area.addEventListener('pointermove', (event) => {
      if (event.pointerId === dragging) move(at(event.clientX));
    });
    area.addEventListener('pointerup', (event) => {
      if (event.pointerId === dragging) move(at(event.clientX));
      dragging = null;
    });
    area.addEventListener('pointercancel', () => {
      dragging = null;
    });
  }

  /**
   * Say what an ARIA slider is at.
   * @param {HTMLElement} handle
   * @param {[number, number, number]} values Lowest, current and highest.
   * @param {string} words
   */
  function tell(handle, [low, now, high], words) {
    handle.setAttribute('aria-valuemin', String(low));
    handle.setAttribute('aria-valuenow', String(now));
    handle.setAttribute('aria-valuemax', String(high));
    handle.setAttribute('aria-valuetext', words);
  }

  /** A function that runs once things have been quiet for so many milliseconds. */
  function calm(run, wait) {
    let timer = 0;
    return (...values) => {
      clearTimeout(timer);
      timer = setTimeout(() => run(...values), wait);
    };
  }

  /** A function that runs at most once for each frame. */
  function framed(run) {
    let asked = false;
    return () => {
      if (asked) return;
      asked = true;
      requestAnimationFrame(() => {
        asked = false;
        run();
      });
    };
  }

  /**
   * Announce results in an element with role="status" once things have been quiet for a while, and
   * nothing before the reader has done something.
   * @param {HTMLElement} status
   */
  function announcer(status) {
    let quiet = true;
    const say = calm((words) => {
      if (!quiet) status.textContent = words;
    }, 700);
    const wake = () => {
      quiet = false;
    };
    return { say, wake };
  }

  /** The settings in the address: #name=value&… */
  const address = (() => {
    let pending = {};
    const read = () => new URLSearchParams(location.hash.includes('=') ? location.hash.slice(1) : '');
    const flush = calm(() => {
      const all = read();
      for (const [name, value] of Object.entries(pending)) all.set(name, String(value));
      pending = {};
      try {
        history.replaceState(history.state, '', `#${all}`);
      } catch {
        // Some browsers forbid it for files; the page works without.
      }
    }, 300);
    const write = (settings) => {
      pending = { ...pending, ...settings };
      flush();
    };
    const follow = (run) => addEventListener('hashchange', () => {
      if (location.hash.includes('=')) run(read());
    });
    return { read, write, follow };
  })();

  /**
   * Where an explorer keeps its settings: on the page of the explorers in the address; in a chapter,
   * whose address is the chapter's own, in the link that leads to that page.
   * @param {HTMLElement} section
   */
  function keeper(section) {
    const link = section.querySelector('.explorer-full');
    if (!link) return address;
    const at = section.id.replace('explore-', '');
    const write = calm((settings) => {
      link.hash = String(new URLSearchParams({ at, ...settings }));
    }, 300);
    return { read: () => new URLSearchParams(section.dataset.settings), write, follow: () => {} };
  }

  /** Take a number from the address if it is one within the limits, and else the default. */
  function taken(settings, name, [low, high], fallback) {
    const value = Number(settings.get(name) || NaN);
    return value >= low && value <= high ? value : fallback;
  }

  return { slider, tell, calm, framed, announcer, address, keeper, taken };
})();
