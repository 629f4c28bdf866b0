// One call starts every player of this id that has not been started yet.
(function (id) {
  "use strict";
  const FFT = 1024, HOP = 256;

  // In-place radix-2 transform of the complex signal re + i im; `sign` -1 forward, +1 backward (unscaled).
  function transform(re, im, sign) {
    const n = re.length;
    for (let i = 1, j = 0; i < n; i++) {
      let bit = n >> 1;
      for (; j & bit; bit >>= 1) j ^= bit;
      j ^= bit;
      if (i < j) { [re[i], re[j]] = [re[j], re[i]]; [im[i], im[j]] = [im[j], im[i]]; }
    }
    for (let size = 2; size <= n; size <<= 1) {
      const half = size >> 1, step = sign * 2 * Math.PI / size;
      for (let k = 0; k < half; k++) {
        const c = Math.cos(step * k), s = Math.sin(step * k);
        for (let a = k; a < n; a += size) {
          const b = a + half, x = re[b] * c - im[b] * s, y = re[b] * s + im[b] * c;
          re[b] = re[a] - x; im[b] = im[a] - y; re[a] += x; im[a] += y;
        }
      }
    }
  }

  // Multiply the short-time spectrum of `samples` by gainOf(time_s, frequency_hz) and return the sound.
  function masked(samples, rate, gainOf) {
    const out = new Float32Array(samples.length), weight = new Float32Array(samples.length);
    const hann = Float32Array.from({ length: FFT }, (_, i) => 0.5 - 0.5 * Math.cos(2 * Math.PI * i / FFT));
    const re = new Float32Array(FFT), im = new Float32Array(FFT);
    for (let start = -FFT / 2; start < samples.length; start += HOP) {
      for (let i = 0; i < FFT; i++) { re[i] = (samples[start + i] || 0) * hann[i]; im[i] = 0; }
      transform(re, im, -1);
      const time = (start + FFT / 2) / rate;
      for (let k = 0; k <= FFT / 2; k++) {
        const gain = gainOf(time, k * rate / FFT);
        re[k] *= gain; im[k] *= gain;
        if (k && k < FFT / 2) { re[FFT - k] *= gain; im[FFT - k] *= gain; }
      }
      transform(re, im, 1);
      for (let i = 0; i < FFT; i++) {
        const at = start + i;
        if (at >= 0 && at < out.length) { out[at] += re[i] * hann[i] / FFT; weight[at] += hann[i] * hann[i]; }
      }
    }
    for (let i = 0; i < out.length; i++) out[i] /= Math.max(weight[i], 1e-3);
    return out;
  }

  function start(root) {
    root.dataset.ready = "1";
    const find = (selector) => root.querySelector(selector), all = (selector) => Array.from(root.querySelectorAll(selector));
    const config = JSON.parse(find("script[type='application/json']").textContent);
    const audio = find("audio"), stage = find(".al-stage"), head = find(".al-head"), cursor = find(".al-cursor");
    const playButton = find(".al-play"), clock = find(".al-clock"), where = find(".al-where"), patchBox = find(".al-patch"), nowBox = find(".al-now");
    const chips = all(".al-maps button"), layers = all(".al-layer"), through = find(".al-through"), strength = find("input[type=range]");
    const bars = all(".al-lane button").map((button) => ({ button, on: Number(button.dataset.on), off: Number(button.dataset.off) }));
    const duration = config.duration, hz = config.hz;
    let context = null, buffer = null, decoding = null, playing = null, position = 0, height = 0.35, chosen = 0, frame = 0, spoken = -1, stopAt = null;
    const through_cache = {};

    audio.controls = false;
    // A dark casing below each white outline keeps it visible on dark and on bright cells alike.
    all(".al-outline").forEach((path) => {
      const casing = path.cloneNode();
      casing.setAttribute("class", path.getAttribute("class").replace("al-outline", "al-casing"));
      path.before(casing);
    });

    // Rows are equally spaced in the scale of the spectrogram; `hz` samples it at equal steps from bottom to top.
    function toHz(y) {
      const at = Math.min(Math.max(y, 0), 1) * (hz.length - 1), low = Math.min(Math.floor(at), hz.length - 2);
      return hz[low] + (at - low) * (hz[low + 1] - hz[low]);
    }
    function toHeight(frequency) {
      let low = 0;
      while (low < hz.length - 2 && hz[low + 1] < frequency) low++;
      const y = (low + (frequency - hz[low]) / (hz[low + 1] - hz[low])) / (hz.length - 1);
      return Math.min(Math.max(y, 0), 1);
    }
    const nice = (frequency) => frequency >= 1000 ? (frequency / 1000).toFixed(1) + " kHz" : Math.round(frequency) + " Hz";

    function band(low, high) {
      const [a, unit] = nice(low).split(" "), [b, last] = nice(high).split(" ");
      return unit === last ? a + "–" + b + " " + unit : a + " " + unit + "–" + b + " " + last;
    }

    function now() {
      if (playing) {
        const late = context.outputLatency || context.baseLatency || 0;
        return Math.min(playing.from + Math.max(context.currentTime - playing.at - late, 0), playing.to);
      }
      return audio.paused ? position : audio.currentTime;
    }
    const busy = () => Boolean(playing) || !audio.paused;

    // Bars of the events that sound shine; so does the picture during the one that was asked for or whose map is shown.
    function glow() {
      let lit = null;
      bars.forEach(({ button, on, off }) => {
        const sounds = busy() && on <= position && position < off;
        button.classList.toggle("al-playing", sounds);
        if (sounds && (stopAt === null ? button.parentNode.classList.contains("al-chosen") : stopAt === off && (!lit || on > lit.on))) lit = { button, on };
      });
      nowBox.classList.toggle("al-shown", lit !== null);
      if (lit) Object.assign(nowBox.style, { left: lit.button.style.left, width: lit.button.style.width });
    }
    function draw() {
      head.style.transform = "translateX(" + 100 * Math.min(position / duration, 1) + "%)";
      cursor.style.bottom = 100 * height + "%";
      glow();
      clock.textContent = position.toFixed(1) + " / " + duration.toFixed(1) + " s";
      const rounded = Math.round(position * 4) / 4;
      if (rounded !== spoken) {
        spoken = rounded;
        stage.setAttribute("aria-valuenow", position.toFixed(2));
        stage.setAttribute("aria-valuetext", position.toFixed(1) + " seconds, " + nice(toHz(height)));
      }
    }
    function tick() {
      position = now();
      if (stopAt !== null && !audio.paused && position >= stopAt) { audio.pause(); position = stopAt; stopAt = null; }
      draw();
      if (busy()) frame = requestAnimationFrame(tick); else face();
    }
    function face() {
      const on = busy();
      playButton.setAttribute("aria-label", on ? "Pause" : "Play");
      playButton.querySelector("path").setAttribute("d", on ? "M3 2h4v12H3zM9 2h4v12H9z" : "M4 2l10 6-10 6z");
    }
    function run() { face(); cancelAnimationFrame(frame); frame = requestAnimationFrame(tick); }

    function silence() {
      position = now(); stopAt = null;
      audio.pause();
      if (playing) { const node = playing.node; playing = null; node.onended = null; node.stop(); }
      patchBox.classList.remove("al-shown");
      face(); draw();
    }
    function seek(time) {
      position = Math.min(Math.max(time, 0), duration);
      if (playing) silence();
      audio.currentTime = position;
      draw();
    }
    function playFrom(time, until) {
      silence();
      position = time >= duration - 0.02 ? 0 : time;
      if (until === undefined && through && through.getAttribute("aria-pressed") === "true" && chosen) { playThrough(); return; }
      audio.currentTime = position;
      stopAt = until === undefined ? null : until;
      audio.play().then(run, () => { where.textContent = "This browser refused to play the sound."; });
    }

    function decode() {
      context = context || new (window.AudioContext || window.webkitAudioContext)();
      if (context.state === "suspended") context.resume();
      if (!decoding) {
        const bytes = Uint8Array.from(atob(audio.src.split(",")[1]), (c) => c.charCodeAt(0));
        decoding = new OfflineAudioContext(1, 1, config.rate).decodeAudioData(bytes.buffer).then((b) => { buffer = b; return b.getChannelData(0); });
      }
      return decoding;
    }
    function playSamples(samples, from, offset, rest) {
      const sound = context.createBuffer(1, samples.length, config.rate), node = context.createBufferSource();
      sound.copyToChannel(samples, 0);
      node.buffer = sound; node.connect(context.destination);
      const mine = { node, at: context.currentTime, from: from + offset, to: from + samples.length / config.rate };
      node.onended = () => { if (playing === mine) { silence(); position = rest === undefined ? mine.to : rest; draw(); } };
      playing = mine;
      node.start(0, offset);
      run();
    }

    // Hear a patch: what lies around a point of the picture, with soft edges in time and in frequency.
    function playPatch(time, y) {
      silence();
      height = y;
      const wide = config.patch_s / 2, from = Math.max(time - wide, 0), to = Math.min(time + wide, duration);
      const low = toHz(y - config.patch_rows / 2), high = toHz(y + config.patch_rows / 2), edge = 0.06;
      Object.assign(patchBox.style, {
        left: 100 * from / duration + "%", width: 100 * (to - from) / duration + "%",
        bottom: 100 * toHeight(low) + "%", height: 100 * (toHeight(high) - toHeight(low)) + "%" });
      patchBox.classList.add("al-shown");
      position = from; draw();
      where.textContent = from.toFixed(1) + "–" + to.toFixed(1) + " s, " + band(low, high);
      root.dataset.patch = [from, to, low, high].map((v) => v.toFixed(3)).join(" ");
      decode().then((samples) => {
        const piece = samples.slice(Math.floor(from * config.rate), Math.ceil(to * config.rate));
        const sound = masked(piece, config.rate, (t, f) => f >= low && f <= high ? 1 : 0);
        const fade = Math.round(edge * config.rate);
        for (let i = 0; i < fade && i < sound.length; i++) { sound[i] *= i / fade; sound[sound.length - 1 - i] *= i / fade; }
        playSamples(sound, from, 0, time);
        patchBox.classList.add("al-shown");
      });
    }

    // Read a map back from the opacity of its picture: [0, 1] at (time, height).
    function readMap(index) {
      const picture = layers[index - 1].querySelector("image"), image = new Image();
      image.src = picture.getAttribute("href");
      return image.decode().then(() => {
        const canvas = document.createElement("canvas"), w = canvas.width = image.naturalWidth, h = canvas.height = image.naturalHeight;
        const brush = canvas.getContext("2d");
        brush.drawImage(image, 0, 0);
        const pixels = brush.getImageData(0, 0, w, h).data;
        return (x, y) => {
          const column = Math.min(Math.floor(x * w), w - 1), row = Math.min(Math.floor((1 - y) * h), h - 1);
          const alpha = pixels[4 * (Math.max(row, 0) * w + Math.max(column, 0)) + 3] / 255;
          return Math.min(Math.max((config.veil - alpha) / (config.veil - config.glow), 0), 1);
        };
      });
    }
    function playThrough() {
      const index = chosen;
      where.textContent = "preparing…";
      if (!through_cache[index]) {
        through_cache[index] = Promise.all([decode(), readMap(index)]).then(([samples, value]) => {
          const heights = Float32Array.from({ length: FFT / 2 + 1 }, (_, k) => toHeight(k * config.rate / FFT));
          return masked(samples, config.rate, (t, f) => value(t / duration, heights[Math.round(f * FFT / config.rate)]));
        });
      }
      decode();
      through_cache[index].then((samples) => {
        where.textContent = "through “" + config.names[index - 1] + "”";
        if (chosen === index && !busy()) playSamples(samples, 0, position);
      });
    }

    function choose(index) {
      if (index > layers.length) return;
      const wasThrough = playing && !patchBox.classList.contains("al-shown");
      chosen = index;
      layers.forEach((layer, i) => layer.classList.toggle("al-shown", i === index - 1));
      chips.forEach((chip) => chip.setAttribute("aria-pressed", String(Number(chip.dataset.k) === index)));
      all(".al-lane").forEach((lane) => lane.classList.toggle("al-chosen", index > 0 && lane.dataset.label === config.names[index - 1]));
      if (through) through.disabled = index === 0;
      root.dataset.chosen = String(index);
      if (wasThrough) { silence(); playFrom(position); }
    }
    function toggle() { if (busy()) silence(); else playFrom(position); }

    playButton.addEventListener("click", toggle);
    chips.forEach((chip) => chip.addEventListener("click", () => choose(Number(chip.dataset.k))));
    bars.forEach(({ button, on, off }) => button.addEventListener("click", () => playFrom(on, off)));
    if (through) through.addEventListener("click", () => {
      const on = through.getAttribute("aria-pressed") !== "true", again = busy();
      silence();
      through.setAttribute("aria-pressed", String(on));
      if (again) playFrom(position);
    });
    if (strength) strength.addEventListener("input", () => layers.forEach((layer) => { layer.querySelector("image").style.opacity = strength.value / 100; }));
    const point = (event) => {
      const box = stage.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width * duration, 1 - (event.clientY - box.top) / box.height];
    };
    stage.addEventListener("click", (event) => { const [time, y] = point(event); playPatch(Math.min(Math.max(time, 0), duration), y); });
    stage.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse") { const [time, y] = point(event); where.textContent = time.toFixed(2) + " s, " + nice(toHz(y)); }
    });
    audio.addEventListener("ended", () => { position = duration; face(); draw(); });
    audio.addEventListener("error", () => { where.textContent = "This browser cannot decode the sound."; });

    root.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const key = event.key, tag = event.target.tagName, step = event.shiftKey ? 1 : 0.1;
      let used = true;
      if (/^[0-9]$/.test(key)) choose(Number(key));
      else if (tag === "INPUT" || ((tag === "BUTTON" || tag === "SUMMARY") && (key === " " || key === "Enter"))) used = false;
      else if (key === " ") toggle();
      else if (key === "Enter") playPatch(now(), height);
      else if (key === "ArrowLeft") seek(now() - step);
      else if (key === "ArrowRight") seek(now() + step);
      else if (key === "ArrowUp") { height = Math.min(height + 0.04, 1); draw(); }
      else if (key === "ArrowDown") { height = Math.max(height - 0.04, 0); draw(); }
      else if (key === "Home") seek(0);
      else if (key === "End") seek(duration);
      else if (key === "m" && through && !through.disabled) through.click();
      else used = false;
      if (used) event.preventDefault();
      event.stopPropagation();
    });

    // A label goes inside its bar where it fits there.
    const arrange = () => bars.forEach(({ button }) => {
      button.classList.toggle("al-fits", button.firstChild.scrollWidth + 10 <= button.offsetWidth);
    });
    if (bars.length && window.ResizeObserver) new ResizeObserver(arrange).observe(stage);
    arrange();

    choose(Math.min(config.first, layers.length));
    face(); draw();
  }

  document.querySelectorAll('.al-player[data-player="' + id + '"]:not([data-ready])').forEach(start);
})
