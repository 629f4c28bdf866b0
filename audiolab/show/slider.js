(function (id) {
  "use strict";
  document.querySelectorAll('.al-strip[data-strip="' + id + '"]:not([data-ready])').forEach((root) => {
    root.dataset.ready = "1";
    const input = root.querySelector("input"), output = root.querySelector("output"), labels = input.dataset.labels.split("\n");
    const frames = root.querySelectorAll(".al-frame");
    function show() {
      frames.forEach((frame, index) => { frame.hidden = index !== Number(input.value); });
      output.textContent = labels[input.value];
      input.setAttribute("aria-valuetext", labels[input.value]);
    }
    input.addEventListener("input", show);
    // Notebook shortcuts must not see the arrow keys.
    input.addEventListener("keydown", (event) => event.stopPropagation());
    show();
  });
})
