// Every choice answers for itself; a second try is always possible.
(function (id) {
  "use strict";
  document.querySelectorAll('.al-quiz[data-quiz="' + id + '"]:not([data-ready])').forEach((root) => {
    root.dataset.ready = "1";
    const feedback = root.querySelector(".al-feedback"), buttons = Array.from(root.querySelectorAll("button"));
    buttons.forEach((button, index) => {
      button.addEventListener("click", () => {
        const right = button.dataset.correct === "1";
        buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
        button.dataset.seen = right ? "right" : "wrong";
        button.querySelector(".al-mark").textContent = right ? "✓" : "✗";
        feedback.dataset.seen = button.dataset.seen;
        feedback.textContent = (right ? "Right. " : "Not quite. ") + button.dataset.feedback;
      });
      button.addEventListener("keydown", (event) => {
        const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
        if (step) { buttons[(index + step + buttons.length) % buttons.length].focus(); event.preventDefault(); }
      });
    });
  });
})
